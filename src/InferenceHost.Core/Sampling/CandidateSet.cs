using System.Runtime.InteropServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>The tokens that are still in the race, ascending by id, with logit and weight exp((logit - best) / temperature). Buffers of vocabulary size, made once.</summary>
internal sealed class CandidateSet(int vocabularySize, ThresholdSelect select)
{
    private const int DrawRun = 256;

    private readonly int[] _ids = new int[vocabularySize + BlockScan.Slack];
    private readonly float[] _logits = new float[vocabularySize];
    private readonly float[] _weights = new float[vocabularySize];
    private readonly float[] _keys = new float[vocabularySize];

    private float _leastLogit = float.NegativeInfinity;

    /// <summary>Number of candidates; after <see cref="KeepTopMass"/> also of those that it dropped, until the next step looks at them.</summary>
    public int Count { get; private set; }

    /// <summary>Sum of the weights.</summary>
    public double Mass { get; private set; }

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public ReadOnlySpan<float> Logits => _logits.AsSpan(0, Count);

    public Span<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>Takes the tokens whose logit reaches <paramref name="threshold"/>.</summary>
    public void Gather(ReadOnlySpan<float> logits, ReadOnlySpan<float> maxima, float threshold)
    {
        Count = BlockScan.Gather(logits, maxima, threshold, _ids, _logits);
        _leastLogit = float.NegativeInfinity;
    }

    /// <summary>Keeps the <paramref name="k"/> largest logits and all that equal the smallest of them.</summary>
    public void KeepTopK(int k)
    {
        if (Count <= k)
            return;
        var threshold = select.KeepingLargest(Logits, k);
        KeepColumn(_logits, threshold, Identities);
        Count = KeepColumn(_logits, threshold, _logits);
    }

    /// <summary>Computes the weights; the largest is 1 at the logit <paramref name="best"/>.</summary>
    public void Weigh(float best, float scale)
    {
        VectorExp.Weights(Logits, best, scale, _weights);
        Mass = ThresholdSelect.Sum(Weights);
    }

    /// <summary>The logit at which the mass of the candidates reaches <paramref name="target"/>; the smallest if all of them do not.</summary>
    public float LogitReachingMass(double target) => select.KeyReachingMass(Logits, Weights, target, out _);

    /// <summary>
    /// Keeps a token when the mass of the tokens ranked above it is less than <paramref name="target"/>, and always the best one. Of equal logits the
    /// higher id ranks above, as in the ascending stable sort of the reference.
    /// </summary>
    public void KeepTopMass(double target)
    {
        if (Count < 2)
            return;
        var threshold = select.KeyReachingMass(Logits, Weights, target, out var massAbove);
        var equal = Logits.Count(threshold);
        var weight = _weights[Logits.IndexOf(threshold)];
        var dropped = equal - (int)Math.Clamp(Math.Ceiling((target - massAbove) / weight), 1, equal);
        for (var index = 0; dropped > 0; index++)
        {
            if (_logits[index] != threshold)
                continue;
            _logits[index] = float.NegativeInfinity;
            dropped--;
        }

        // They stay where they are: most often only a draw follows.
        _leastLogit = threshold;
        Mass = ThresholdSelect.MassAtLeast(Logits, Weights, threshold);
    }

    /// <summary>Keeps tokens whose weight is at least this fraction of the best one's.</summary>
    public void KeepMinP(float fraction)
    {
        Settle();
        KeepFrom(_weights, fraction);
    }

    /// <summary>
    /// Locally typical sampling: keeps the tokens whose information -log p is nearest to the entropy until their mass reaches
    /// <paramref name="fraction"/>, and all that are as near as the last of them.
    /// </summary>
    public void KeepTypical(float best, float scale, float fraction)
    {
        Settle();
        var logMass = Math.Log(Mass);
        double entropy = 0;
        for (var index = 0; index < Count; index++)
            entropy -= _weights[index] / Mass * (((_logits[index] - best) * (double)scale) - logMass);
        var keys = _keys.AsSpan(0, Count);
        for (var index = 0; index < Count; index++)
            keys[index] = Nearness(_logits[index], best, scale, logMass, entropy);
        var threshold = select.KeyReachingMass(keys, Weights, fraction * Mass, out _);
        KeepFrom(_keys, threshold);
    }

    /// <summary>Leaves one token with all of the mass.</summary>
    public void TakeOnly(int id)
    {
        (_ids[0], _logits[0], _weights[0]) = (id, 0, 1);
        (Count, Mass, _leastLogit) = (1, 1, float.NegativeInfinity);
    }

    /// <summary>Turns the weights into probabilities and drops tokens whose probability is 0.</summary>
    public void Normalise()
    {
        Settle();
        var total = Mass;
        var kept = 0;
        for (var index = 0; index < Count; index++)
        {
            _weights[index] = (float)(_weights[index] / total);
            if (_weights[index] > 0)
                Move(index, kept++);
        }

        Shrink(kept);
    }

    /// <summary>The candidate at which the running mass passes <paramref name="point"/> (from 0 to below <see cref="Mass"/>).</summary>
    public int Draw(double point)
    {
        // Whole runs first: adding one weight to the next waits for each addition.
        var start = 0;
        for (; start + DrawRun < Count; start += DrawRun)
        {
            var mass = ThresholdSelect.MassAtLeast(_logits.AsSpan(start, DrawRun), _weights.AsSpan(start, DrawRun), _leastLogit);
            if (point < mass)
                break;
            point -= mass;
        }

        for (var index = start; index < Count; index++)
        {
            if (_logits[index] < _leastLogit)
                continue;
            point -= _weights[index];
            if (point < 0)
                return _ids[index];
        }

        // Rounding can leave a rest: the last candidate that has any mass takes it.
        var last = Count - 1;
        while (_logits[last] < _leastLogit || _weights[last] == 0)
            last--;
        return _ids[last];
    }

    // Moved as they are, whatever their bits would mean.
    private Span<float> Identities => MemoryMarshal.Cast<int, float>(_ids.AsSpan());

    private void Move(int from, int to)
    {
        _ids[to] = _ids[from];
        _logits[to] = _logits[from];
        _weights[to] = _weights[from];
    }

    // Drops what top-p has left in its place.
    private void Settle()
    {
        if (float.IsNegativeInfinity(_leastLogit))
            return;
        KeepFrom(_logits, _leastLogit);
        _leastLogit = float.NegativeInfinity;
    }

    // Keeps the candidates whose key reaches the threshold.
    private void KeepFrom(float[] keys, float threshold)
    {
        KeepColumn(keys, threshold, Identities);
        // A column that holds the keys comes last.
        var (first, last) = keys == _logits ? (_weights, _logits) : (_logits, _weights);
        KeepColumn(keys, threshold, first);
        Shrink(KeepColumn(keys, threshold, last));
    }

    private int KeepColumn(ReadOnlySpan<float> keys, float threshold, Span<float> column) =>
        Compaction.Keep(keys[..Count], threshold, float.PositiveInfinity, column, column);

    private void Shrink(int kept)
    {
        Count = kept;
        Mass = ThresholdSelect.Sum(Weights);
    }

    // Larger is better: minus the distance of the token's information from the entropy.
    private static float Nearness(float logit, float best, float scale, double logMass, double entropy) =>
        (float)-Math.Abs(logMass - ((logit - best) * (double)scale) - entropy);
}
