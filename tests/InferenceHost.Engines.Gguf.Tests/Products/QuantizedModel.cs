using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Tests.Products;

/// <summary>A half-precision model file written again with its matrices in blocks of 32.</summary>
internal static class QuantizedModel
{
    private static readonly int[] s_iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public static void Write(string source, string target, GgmlType type)
    {
        var bytes = File.ReadAllBytes(source);
        using var file = GgufFile.Open(source);
        using var stream = File.Create(target);
        using var writer = new BinaryWriter(stream);
        // Everything before the list of tensors stays: counts and metadata.
        writer.Write(bytes, 0, (int)file.Tensors.Min(t => t.HeaderOffset));
        var tensors = file.Tensors.Select(t => (Tensor: t, Type: IsMatrix(t) ? type : t.Type, Data: Data(t, bytes, type))).ToList();
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

    private static bool IsMatrix(GgufTensor tensor) => tensor is { Type: GgmlType.F16, Dimensions: 2 } && tensor.Ne0 % 32 == 0;

    private static long Aligned(long offset, int alignment) => (offset + alignment - 1) / alignment * alignment;

    private static byte[] Data(GgufTensor tensor, byte[] file, GgmlType type)
    {
        if (!IsMatrix(tensor))
            return file[(int)tensor.Offset..(int)(tensor.Offset + tensor.ByteLength)];
        using var target = new MemoryStream();
        using var writer = new BinaryWriter(target);
        var block = new float[32];
        for (var at = (int)tensor.Offset; at < tensor.Offset + tensor.ByteLength; at += 64)
        {
            for (var i = 0; i < 32; i++)
                block[i] = (float)BitConverter.ToHalf(file, at + (2 * i));
            WriteBlock(writer, block, type);
        }
        return target.ToArray();
    }

    private static void WriteBlock(BinaryWriter writer, float[] block, GgmlType type)
    {
        var most = block.MaxBy(Math.Abs);
        var scale = (float)(Half)(type == GgmlType.Q8_0 ? Math.Abs(most) / 127 : type == GgmlType.Q4_0 ? most / -8 : most / s_iq4[0]);
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
        _ => Enumerable.Range(0, 16).MinBy(i => Math.Abs(s_iq4[i] - value)),
    };
}
