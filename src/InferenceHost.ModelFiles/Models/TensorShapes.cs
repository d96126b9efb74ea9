namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// Values of the symbols in a <see cref="TensorPlan"/>: E embedding, V vocabulary, F feed-forward (F2 twice that), D head size, H heads, J
/// KV heads,
/// Q query width, K key width, W value width, KL key width of this layer, G fused projection width, X experts, M expert width, S and SF
/// shared expert width, R2 half the rotated dimensions, T trained context, E3 three times E, LC convolution length, O output width,
/// C class count.
/// </summary>
internal sealed class TensorShapes(HyperParameters p, int vocabulary)
{
    /// <summary>A dimension that may have any length.</summary>
    public const long Any = -1;

    public long Resolve(string symbol, int layer) => symbol switch
    {
        "E" => p.Embedding,
        "E3" => 3L * p.Embedding,
        "V" => vocabulary,
        "F" => p.FeedForward[0],
        "F2" => 2L * p.FeedForward[0],
        "D" => p.KeyLength,
        "H" => p.Heads[0],
        "J" => p.HeadsKv[0],
        "Q" => (long)p.Heads[0] * p.KeyLength,
        "K" => (long)p.HeadsKv[0] * p.KeyLength,
        "W" => (long)p.HeadsKv[0] * p.ValueLength,
        "KL" => (long)p.HeadsKv[layer] * p.KeyLength,
        "G" => p.Embedding + (2L * p.HeadsKv[0] * p.ValueLength),
        "X" => p.Experts,
        "M" => ExpertWidth(),
        "S" => p.Optional("expert_shared_feed_forward_length", 0, 0, int.MaxValue),
        "SF" => p.Optional("expert_shared_feed_forward_length", p.FeedForward[0], 1, int.MaxValue),
        "R2" => p.RopeDimensions / 2,
        "T" => p.ContextLength,
        "LC" => p.Required("shortconv.l_cache", 2, 256),
        "O" => p.Optional("embedding_length_out", p.Embedding, 1, int.MaxValue),
        "C" => Any,
        _ => throw new ArgumentException($"unknown symbol '{symbol}'", nameof(symbol)),
    };

    private long ExpertWidth()
    {
        var width = p.PerLayer("expert_feed_forward_length", 0, int.MaxValue)[0];
        return width > 0 ? width : p.FeedForward[0] / Math.Max(1, p.ExpertsUsed);
    }
}
