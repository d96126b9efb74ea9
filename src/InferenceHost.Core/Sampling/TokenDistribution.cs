namespace InferenceHost.Core.Sampling;

/// <summary>The final distribution of one row, after all processors: tokens of probability 0 are left out. Views of the sampler's buffers, valid until its next call.</summary>
public readonly ref struct TokenDistribution
{
    internal TokenDistribution(ReadOnlySpan<int> ids, ReadOnlySpan<float> probabilities)
    {
        Ids = ids;
        Probabilities = probabilities;
    }

    /// <summary>Token ids, ascending.</summary>
    public ReadOnlySpan<int> Ids { get; }

    /// <summary>Probabilities of <see cref="Ids"/>; they sum to 1.</summary>
    public ReadOnlySpan<float> Probabilities { get; }

    /// <summary>Probability of one token (0 when it was cut off).</summary>
    public float Of(int token)
    {
        var index = Ids.BinarySearch(token);
        return index < 0 ? 0 : Probabilities[index];
    }
}
