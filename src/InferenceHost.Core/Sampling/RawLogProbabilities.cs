namespace InferenceHost.Core.Sampling;

/// <summary>Log-softmax of a row as the model gave it, measured before anything is written into it.</summary>
internal sealed class RawLogProbabilities(int vocabularySize)
{
    private readonly float[] _maxima = new float[BlockScan.Blocks(vocabularySize)];
    private readonly float[] _sums = new float[BlockScan.Blocks(vocabularySize)];
    private readonly ThresholdSelect _select = new(BlockScan.Blocks(vocabularySize));
    private readonly int[] _ids = new int[vocabularySize + BlockScan.Slack];
    private readonly float[] _logits = new float[vocabularySize];
    private double _logMass;

    /// <summary>Measures the row.</summary>
    /// <returns>False when a logit is NaN or positive infinity.</returns>
    public bool Measure(ReadOnlySpan<float> logits)
    {
        if (!BlockScan.MaximaAndSums(logits, 1, _maxima, _sums, out var best, out var mass))
            return false;
        _logMass = best + Math.Log(mass);
        return true;
    }

    /// <summary>Fills <paramref name="alternatives"/> with the most probable tokens, best first; of equal ones the lower id first.</summary>
    /// <returns>How many were filled: fewer only where fewer tokens are not masked.</returns>
    public int Top(ReadOnlySpan<float> logits, Span<TokenLogProbability> alternatives)
    {
        if (alternatives.IsEmpty)
            return 0;
        var threshold = alternatives.Length > _maxima.Length
            ? float.NegativeInfinity
            : _select.KeepingLargest(_maxima, alternatives.Length);
        var count = BlockScan.Gather(logits, _maxima, threshold, _ids, _logits);
        var filled = 0;
        for (var index = 0; index < count; index++)
        {
            var candidate = new TokenLogProbability(_ids[index], Relative(_logits[index]));
            if (filled == alternatives.Length && candidate.LogProbability <= alternatives[^1].LogProbability)
                continue;
            if (filled < alternatives.Length)
                filled++;
            var place = filled - 1;
            for (; place > 0 && alternatives[place - 1].LogProbability < candidate.LogProbability; place--)
                alternatives[place] = alternatives[place - 1];
            alternatives[place] = candidate;
        }

        return filled;
    }

    /// <summary>Copies the row before it is changed, for <see cref="Of"/>.</summary>
    public void Keep(ReadOnlySpan<float> logits) => logits.CopyTo(_logits);

    /// <summary>Log-probability of a token of the kept row.</summary>
    public float Of(int token) => Relative(_logits[token]);

    /// <summary>Log-probability that belongs to a logit of the measured row.</summary>
    public float Relative(float logit) => (float)(logit - _logMass);
}
