namespace InferenceHost.Core.Sampling;

/// <content>Top-p: which tokens are looked at, so that the nucleus is among them and hardly any others.</content>
public sealed partial class Sampler
{
    private const int Few = 32, SampleBlocks = 128;
    private const double MostBlocks = 0.95;

    private readonly float[] _sampleMaxima;

    private void TakeTopP(ReadOnlySpan<float> logits, float topP, float minPThreshold)
    {
        var target = topP * _mass;
        if (!float.IsNegativeInfinity(minPThreshold))
            Take(logits, minPThreshold);
        else
            TakeMass(logits, target, topP);
        if (_candidates.Mass >= target)
            _candidates.KeepTopMass(target);
    }

    // Takes at least the tokens of the nucleus: first a few, which nearly always hold its mass, then as many as must be missing at least.
    private void TakeMass(ReadOnlySpan<float> logits, double target, float topP)
    {
        for (var k = Math.Min(Few, _maxima.Length); ;)
        {
            var reached = KthMaximum(k);
            Take(logits, reached);
            if (_candidates.Mass >= target)
                return;
            var next = BlocksOfNucleus(target, reached);
            if (next <= k || next > MostBlocks * _maxima.Length)
            {
                TakeBySample(logits, target, topP, reached);
                return;
            }

            k = next;
        }
    }

    // The missing tokens weigh less than those taken, so there are at least so many of them. Spread over the blocks at random, twice as many would be met in about so many blocks.
    private int BlocksOfNucleus(double target, float reached)
    {
        var tokens = _candidates.Count + ((target - _candidates.Mass) / Math.Exp((reached - (double)_best) * _scale));
        return (int)(_maxima.Length * (1 - Math.Exp(-2 * tokens / _maxima.Length)));
    }

    // Where the nucleus has tokens in nearly every block, maxima say nothing about its end: a sample of the row does.
    private void TakeBySample(ReadOnlySpan<float> logits, double target, float topP, float reached)
    {
        // Tokens below this weigh less than 1 - topP of the mass even if they were the whole vocabulary.
        var floor = _best + ((MathF.Log((float)((1 - (double)topP) * _mass / VocabularySize)) - 0.01f) / _scale);
        Take(logits, MathF.Max(floor, EstimateThreshold(logits, reached, (target - _candidates.Mass) / (_mass - _candidates.Mass), floor)));
        if (_candidates.Mass < target)
            Take(logits, floor);
        if (_candidates.Mass < target)
            Take(logits, float.NegativeInfinity);
    }

    // Where the fraction of the mass below `ceiling` is reached in blocks that are spread over the row, and lower by what a sample may be wrong. Of the largest
    // tokens a sample says little: those above the ceiling are counted exactly.
    private float EstimateThreshold(ReadOnlySpan<float> logits, float ceiling, double fraction, float floor)
    {
        var stride = Math.Max(1, _maxima.Length / SampleBlocks);
        var mass = 0.0;
        _sampleMaxima.AsSpan().Fill(float.NegativeInfinity);
        for (var block = 0; block < _maxima.Length; block += stride)
        {
            if (_maxima[block] >= ceiling)
                continue;
            _sampleMaxima[block] = _maxima[block];
            mass += _sums[block];
        }

        _candidates.Gather(logits, _sampleMaxima, floor);
        if (_candidates.Count == 0)
            return floor;
        _candidates.Weigh(_best, _scale);
        return _candidates.LogitReachingMass((fraction + (0.25 * (1 - fraction))) * mass);
    }
}
