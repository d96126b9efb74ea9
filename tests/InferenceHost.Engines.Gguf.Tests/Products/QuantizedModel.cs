using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Tests.Products;

/// <summary>A half-precision model file written again with its matrices quantised, no better than need be. Matrices that 256 does not divide get q8_0 in place of a K format.</summary>
internal static class QuantizedModel
{
    public static void Write(string source, string target, GgmlType type)
    {
        var bytes = File.ReadAllBytes(source);
        using var file = GgufFile.Open(source);
        using var stream = File.Create(target);
        using var writer = new BinaryWriter(stream);
        // Everything before the list of tensors stays: counts and metadata.
        writer.Write(bytes, 0, (int)file.Tensors.Min(t => t.HeaderOffset));
        var tensors = file.Tensors.Select(t => (Tensor: t, Type: TypeOf(t, type), Data: Data(t, bytes, TypeOf(t, type)))).ToList();
        long offset = 0;
        foreach (var (tensor, written, data) in tensors)
        {
            var name = System.Text.Encoding.UTF8.GetBytes(tensor.Name);
            writer.Write((ulong)name.Length);
            writer.Write(name);
            writer.Write(tensor.Dimensions);
            foreach (var size in new[] { tensor.Ne0, tensor.Ne1, tensor.Ne2, tensor.Ne3 }.Take(tensor.Dimensions))
                writer.Write(size);
            writer.Write((uint)written);
            writer.Write(offset);
            offset += Aligned(data.Length, file.Alignment);
        }
        foreach (var (_, _, data) in tensors)
        {
            writer.Write(new byte[Aligned(stream.Position, file.Alignment) - stream.Position]);
            writer.Write(data);
        }
    }

    private static GgmlType TypeOf(GgufTensor tensor, GgmlType type) => !IsMatrix(tensor) ? tensor.Type : tensor.Ne0 % GgmlTypes.BlockElements(type) == 0 ? type : GgmlType.Q8_0;

    private static bool IsMatrix(GgufTensor tensor) => tensor is { Type: GgmlType.F16, Dimensions: 2 } && tensor.Ne0 % 32 == 0;

    private static long Aligned(long offset, int alignment) => (offset + alignment - 1) / alignment * alignment;

    private static byte[] Data(GgufTensor tensor, byte[] file, GgmlType type)
    {
        if (!IsMatrix(tensor))
            return file[(int)tensor.Offset..(int)(tensor.Offset + tensor.ByteLength)];
        using var target = new MemoryStream();
        using var writer = new BinaryWriter(target);
        var block = new float[GgmlTypes.BlockElements(type)];
        for (var at = (int)tensor.Offset; at < tensor.Offset + tensor.ByteLength; at += 2 * block.Length)
        {
            for (var i = 0; i < block.Length; i++)
                block[i] = (float)BitConverter.ToHalf(file, at + (2 * i));
            if (type == GgmlType.Q6_K)
                WriteQ6K(writer, block);
            else if (block.Length == 256)
                WriteOffsetK(writer, block, type == GgmlType.Q5_K);
            else if (type is GgmlType.Q4_1 or GgmlType.Q5_0 or GgmlType.Q5_1)
                WriteBits(writer, block, type);
            else
                WriteBlock(writer, block, type);
        }
        return target.ToArray();
    }

    private static void WriteBits(BinaryWriter writer, float[] block, GgmlType type)
    {
        var isSigned = type == GgmlType.Q5_0;
        var least = isSigned ? 0 : (float)(Half)block.Min();
        var scale = (float)(Half)(isSigned ? block.Max(Math.Abs) / 15 : (block.Max() - least) / (type == GgmlType.Q4_1 ? 15 : 31));
        var codes = block.Select(v => Round((v - least) / scale, isSigned ? -16 : 0, isSigned ? 15 : type == GgmlType.Q4_1 ? 15 : 31) + (isSigned ? 16 : 0)).ToArray();
        writer.Write(BitConverter.HalfToUInt16Bits((Half)scale));
        if (!isSigned)
            writer.Write(BitConverter.HalfToUInt16Bits((Half)least));
        if (type != GgmlType.Q4_1)
            writer.Write(Enumerable.Range(0, 32).Aggregate(0u, (bits, i) => bits | ((uint)(codes[i] >> 4) << i)));
        writer.Write([.. Enumerable.Range(0, 16).Select(j => (byte)((codes[j] & 15) | ((codes[j + 16] & 15) << 4)))]);
    }

    private static void WriteQ6K(BinaryWriter writer, float[] block)
    {
        var scales = block.Chunk(16).Select(c => c.Max(Math.Abs) / 31).ToArray();
        var scale = (float)(Half)(scales.Max() / 127);
        var numbers = scales.Select(s => Round(s / scale, 0, 127)).ToArray();
        var codes = block.Select((v, i) => Round(v / (scale * numbers[i / 16]), -32, 31) + 32).ToArray();
        writer.Write([.. Enumerable.Range(0, 128).Select(i => (byte)((codes[Low(i)] & 15) | ((codes[Low(i) + 64] & 15) << 4)))]);
        writer.Write([.. Enumerable.Range(0, 64).Select(i => (byte)Enumerable.Range(0, 4).Sum(q => codes[(i / 32 * 128) + (q * 32) + (i % 32)] >> 4 << (2 * q)))]);
        writer.Write([.. numbers.Select(n => (byte)n)]);
        writer.Write(BitConverter.HalfToUInt16Bits((Half)scale));

        // Byte 64 h + l holds inputs l and l + 64 of half h.
        static int Low(int i) => (i / 64 * 128) + (i % 64);
    }

    private static void WriteOffsetK(BinaryWriter writer, float[] block, bool hasFifth)
    {
        var parts = block.Chunk(32).ToArray();
        var most = hasFifth ? 31 : 15;
        var least = parts.Select(p => Math.Max(0, -p.Min())).ToArray();
        var ranges = parts.Select((p, i) => (p.Max() + least[i]) / most).ToArray();
        var (scale, leastScale) = ((float)(Half)(ranges.Max() / 63), (float)(Half)(least.Max() / 63));
        var s = ranges.Select(r => Round(r / scale, 0, 63)).ToArray();
        var m = least.Select(l => Round(l / leastScale, 0, 63)).ToArray();
        var codes = block.Select((v, i) => Round((v + (leastScale * m[i / 32])) / (scale * s[i / 32]), 0, most)).ToArray();
        writer.Write(BitConverter.HalfToUInt16Bits((Half)scale));
        writer.Write(BitConverter.HalfToUInt16Bits((Half)leastScale));
        writer.Write([.. Enumerable.Range(0, 4).Select(i => (byte)(s[i] | (s[i + 4] >> 4 << 6)))]);
        writer.Write([.. Enumerable.Range(0, 4).Select(i => (byte)(m[i] | (m[i + 4] >> 4 << 6)))]);
        writer.Write([.. Enumerable.Range(0, 4).Select(i => (byte)((s[i + 4] & 15) | ((m[i + 4] & 15) << 4)))]);
        if (hasFifth)
            writer.Write([.. Enumerable.Range(0, 32).Select(l => (byte)Enumerable.Range(0, 8).Sum(p => codes[(32 * p) + l] >> 4 << p))]);
        writer.Write([.. Enumerable.Range(0, 128).Select(i => (byte)((codes[(i / 32 * 64) + (i % 32)] & 15) | ((codes[(i / 32 * 64) + 32 + (i % 32)] & 15) << 4)))]);
    }

    private static int Round(float value, int least, int most) => float.IsFinite(value) ? (int)Math.Clamp(MathF.Round(value), least, most) : 0;

    private static void WriteBlock(BinaryWriter writer, float[] block, GgmlType type)
    {
        var most = block.MaxBy(Math.Abs);
        var scale = (float)(Half)(type == GgmlType.Q8_0 ? Math.Abs(most) / 127 : type == GgmlType.Q4_0 ? most / -8 : most / QuantizedWeight.IQ4Values[0]);
        writer.Write(BitConverter.HalfToUInt16Bits((Half)scale));
        var codes = block.Select(v => Code(scale == 0 ? 0 : v / scale, type)).ToArray();
        if (type == GgmlType.Q8_0)
            writer.Write([.. codes.Select(c => (byte)c)]);
        else
            writer.Write([.. Enumerable.Range(0, 16).Select(j => (byte)(codes[j] | (codes[j + 16] << 4)))]);
    }

    private static int Code(float value, GgmlType type) => type switch
    {
        GgmlType.Q8_0 => (int)Math.Clamp(MathF.Round(value), -127, 127),
        GgmlType.Q4_0 => (int)Math.Clamp(MathF.Round(value) + 8, 0, 15),
        _ => Enumerable.Range(0, 16).MinBy(i => Math.Abs(QuantizedWeight.IQ4Values[i] - value)),
    };
}
