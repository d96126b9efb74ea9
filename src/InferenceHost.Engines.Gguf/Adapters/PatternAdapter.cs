using System.Text;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Writes the adapter that stays set for the life of a context: rank 1 on every module, so that libllama builds the nodes that we rewrite.
/// Its numbers are random, for the self-test; in service nobody reads them.
/// </summary>
internal static class PatternAdapter
{
    private const int Alignment = 32;
    private const uint TypeString = 8, TypeFloat32 = 6, TensorF16 = 1;

    public static byte[] Write(string architecture, IReadOnlyList<AdapterModule> modules)
    {
        var header = new MemoryStream();
        using var writer = new BinaryWriter(header, Encoding.UTF8);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(modules.Count * 2L);
        writer.Write(4L);
        Pair(writer, "general.type", "adapter");
        Pair(writer, "general.architecture", architecture);
        Pair(writer, "adapter.type", "lora");
        Text(writer, "adapter.lora.alpha");
        writer.Write(TypeFloat32);
        writer.Write(1f);
        long offset = 0;
        foreach (var module in modules)
        {
            Tensor(writer, module.Name + ".lora_a", module.Inputs, 1, ref offset);
            Tensor(writer, module.Name + ".lora_b", 1, module.Outputs, ref offset);
        }
        writer.Flush();
        var start = Align(header.Length);
        var file = new byte[start + offset];
        header.GetBuffer().AsSpan(0, (int)header.Length).CopyTo(file);
        Fill(file.AsSpan((int)start), modules);
        return file;
    }

    private static void Fill(Span<byte> data, IReadOnlyList<AdapterModule> modules)
    {
        // A fixed seed: the self-test shall give the same verdict on every start.
        var random = new Random(20261122);
        var at = 0;
        foreach (var module in modules)
        {
            // A row of x times A is then about as large as one element of x.
            at = Numbers(data, at, module.Inputs, 1.7f / MathF.Sqrt(module.Inputs), random);
            at = Numbers(data, at, module.Outputs, 1, random);
        }
    }

    private static int Numbers(Span<byte> data, int at, int count, float size, Random random)
    {
        for (var i = 0; i < count; i++)
            BitConverter.TryWriteBytes(data[(at + (2 * i))..], (Half)(size * ((2 * random.NextSingle()) - 1)));
        return at + (int)Align(2L * count);
    }

    private static void Tensor(BinaryWriter writer, string name, int first, int second, ref long offset)
    {
        Text(writer, name);
        writer.Write(2u);
        writer.Write((long)first);
        writer.Write((long)second);
        writer.Write(TensorF16);
        writer.Write(offset);
        offset += Align(2L * first * second);
    }

    private static void Pair(BinaryWriter writer, string key, string value)
    {
        Text(writer, key);
        writer.Write(TypeString);
        Text(writer, value);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    private static long Align(long value) => (value + Alignment - 1) / Alignment * Alignment;
}
