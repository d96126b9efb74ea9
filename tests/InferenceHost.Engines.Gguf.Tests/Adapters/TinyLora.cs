using System.Text;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>Writes adapter files (GGUF version 3, F32) from matrices: A [rank, inputs], B [outputs, rank].</summary>
internal static class TinyLora
{
    /// <summary>An adapter that acts through the last of so many ranks alone: who reads fewer of them gives the base model.</summary>
    public static byte[] OfRank(Reference reference, int rank)
    {
        var weight = ModelHeader.Read(reference.ModelPath).Tensors.Single(tensor => tensor.Name == "blk.0.attn_q.weight");
        var (a, b) = (new float[rank, weight.Ne0], new float[weight.Ne1, rank]);
        for (var i = 0; i < weight.Ne0; i++)
            a[rank - 1, i] = 0.1f;
        for (var i = 0; i < weight.Ne1; i++)
            b[i, rank - 1] = 5;
        return Write("llama", rank, [(weight.Name, a, b)]);
    }

    public static byte[] Write(string architecture, float alpha, IReadOnlyList<(string Name, float[,] A, float[,] B)> pairs)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(pairs.Count * 2L);
        writer.Write(4L);
        foreach (var (key, value) in new[] { ("general.type", "adapter"), ("general.architecture", architecture), ("adapter.type", "lora") })
        {
            Text(key);
            writer.Write(8u);
            Text(value);
        }
        Text("adapter.lora.alpha");
        writer.Write(6u);
        writer.Write(alpha);
        long offset = 0;
        foreach (var (name, a, b) in pairs)
            foreach (var (suffix, matrix) in new[] { (".lora_a", a), (".lora_b", b) })
            {
                Text(name + suffix);
                writer.Write(2u);
                writer.Write((long)matrix.GetLength(1));
                writer.Write((long)matrix.GetLength(0));
                writer.Write(0u);
                writer.Write(offset);
                offset += Align(matrix.Length * 4L);
            }
        Pad();
        foreach (var (_, a, b) in pairs)
            foreach (var matrix in new[] { a, b })
            {
                foreach (var number in matrix)
                    writer.Write(number);
                Pad();
            }
        return stream.ToArray();

        void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            writer.Write((long)bytes.Length);
            writer.Write(bytes);
        }

        void Pad()
        {
            writer.Flush();
            while (stream.Length % 32 != 0)
                writer.Write((byte)0);
        }
    }

    private static long Align(long value) => (value + 31) / 32 * 32;
}
