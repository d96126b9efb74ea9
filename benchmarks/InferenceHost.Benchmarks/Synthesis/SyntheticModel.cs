using System.Globalization;
using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Benchmarks.Synthesis;

/// <summary>
/// A model of a given shape with random weights in the formats of a Q4_K_M file, and an adapter for it: for measuring without a download. What it says makes no sense;
/// what it costs is what a real one of the shape costs.
/// </summary>
internal sealed class SyntheticModel(SyntheticShape shape, GgufFile vocabulary)
{
    // Standard deviation of the weights: activations neither die nor explode.
    private const float Spread = 0.02f;

    private readonly Random _random = new(1);
    private readonly Dictionary<GgmlType, byte[]> _weights = [];

    private int VocabularySize => vocabulary.Values.Single(value => value.Key == "tokenizer.ggml.tokens").Count;

    /// <summary>Writes the model.</summary>
    public void WriteModel(string path)
    {
        var writer = new GgufWriter().Add("general.architecture", "llama").Add("general.name", shape.ToString())
            .Add("llama.block_count", (uint)shape.Layers).Add("llama.context_length", 131_072u).Add("llama.embedding_length", (uint)shape.Embedding)
            .Add("llama.feed_forward_length", (uint)shape.FeedForward).Add("llama.attention.head_count", (uint)shape.Heads)
            .Add("llama.attention.head_count_kv", (uint)shape.KvHeads).Add("llama.rope.dimension_count", (uint)(shape.Embedding / shape.Heads))
            .Add("llama.rope.freq_base", 500_000f).Add("llama.attention.layer_norm_rms_epsilon", 1e-5f).Add("llama.vocab_size", (uint)VocabularySize);
        foreach (var value in vocabulary.Values.Where(value => value.Key.StartsWith("tokenizer.", StringComparison.Ordinal)))
            writer.Add(vocabulary, value);
        AddWeight(writer, "token_embd.weight", shape.Embedding, VocabularySize, GgmlType.Q4_K);
        AddNorm(writer, "output_norm.weight");
        AddWeight(writer, "output.weight", shape.Embedding, VocabularySize, GgmlType.Q6_K);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            AddNorm(writer, Name(layer, "attn_norm"));
            AddNorm(writer, Name(layer, "ffn_norm"));
            foreach (var (module, inputs, outputs) in Modules())
                AddWeight(writer, Name(layer, module), inputs, outputs, module is "attn_v" or "ffn_down" ? GgmlType.Q6_K : GgmlType.Q4_K);
        }
        writer.Write(path);
    }

    /// <summary>Writes an adapter of that rank on every module.</summary>
    public void WriteAdapter(string path, int rank)
    {
        var writer = new GgufWriter().Add("general.architecture", "llama").Add("general.type", "adapter").Add("adapter.type", "lora").Add("adapter.lora.alpha", 2f * rank);
        for (var layer = 0; layer < shape.Layers; layer++)
            foreach (var (module, inputs, outputs) in Modules())
            {
                writer.AddTensor(Name(layer, module) + ".lora_a", [inputs, rank], GgmlType.F16, Halves(inputs * rank));
                writer.AddTensor(Name(layer, module) + ".lora_b", [rank, outputs], GgmlType.F16, Halves(outputs * rank));
            }
        writer.Write(path);
    }

    private static string Name(int layer, string module) => string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.{module}.weight");

    private IEnumerable<(string Module, int Inputs, int Outputs)> Modules()
    {
        var kv = shape.Embedding / shape.Heads * shape.KvHeads;
        yield return ("attn_q", shape.Embedding, shape.Embedding);
        yield return ("attn_k", shape.Embedding, kv);
        yield return ("attn_v", shape.Embedding, kv);
        yield return ("attn_output", shape.Embedding, shape.Embedding);
        yield return ("ffn_gate", shape.Embedding, shape.FeedForward);
        yield return ("ffn_up", shape.Embedding, shape.FeedForward);
        yield return ("ffn_down", shape.FeedForward, shape.Embedding);
    }

    private void AddNorm(GgufWriter writer, string name)
    {
        var ones = new float[shape.Embedding];
        Array.Fill(ones, 1);
        writer.AddTensor(name, [shape.Embedding], GgmlType.F32, MemoryMarshal.AsBytes(ones.AsSpan()).ToArray());
    }

    private void AddWeight(GgufWriter writer, string name, int inputs, int outputs, GgmlType type)
    {
        var bytes = checked((int)((long)inputs * outputs / GgmlTypes.BlockElements(type) * GgmlTypes.BlockBytes(type)));
        writer.AddTensor(name, [inputs, outputs], type, Weights(type, bytes).AsMemory(0, bytes));
    }

    // All weights of a format begin alike: what a product costs does not depend on its numbers.
    private byte[] Weights(GgmlType type, int bytes)
    {
        if (_weights.TryGetValue(type, out var weights) && weights.Length >= bytes)
            return weights;
        _weights[type] = weights = new byte[bytes];
        _random.NextBytes(weights);
        var block = GgmlTypes.BlockBytes(type);
        for (var at = 0; at < bytes; at += block)
        {
            if (type == GgmlType.Q4_K)
            {
                // Scale times 0..63 times 0..15, less offset times 0..63: mean zero.
                MemoryMarshal.Write(weights.AsSpan(at), (Half)(Spread / 257));
                MemoryMarshal.Write(weights.AsSpan(at + 2), (Half)(7.5f * Spread / 257));
            }
            else
                MemoryMarshal.Write(weights.AsSpan(at + block - 2), (Half)(Spread / 1370));
        }
        return weights;
    }

    private byte[] Halves(int count)
    {
        var halves = new Half[count];
        for (var i = 0; i < count; i++)
            halves[i] = (Half)((_random.NextSingle() - 0.5f) * Spread);
        return MemoryMarshal.AsBytes(halves.AsSpan()).ToArray();
    }
}
