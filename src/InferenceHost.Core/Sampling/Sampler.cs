using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// Chooses the next token of a row of logits. Holds buffers of vocabulary size and is used by one thread at a time; what belongs to the sequence is in
/// <see cref="SequenceSamplingState"/>, so any sampler can serve any sequence. Allocates nothing per row.
/// </summary>
/// <remarks>Cost: one pass over the row; cut-offs look only at blocks that can matter. Exponentials of the whole row are taken only where the definition needs their sum.</remarks>
public sealed partial class Sampler
{
    private readonly ThresholdSelect _select;
    private readonly CandidateSet _candidates;
    private readonly RawLogProbabilities _raw;
    private readonly float[] _maxima;
    private readonly float[] _sums;
    private double _mass;
    private float _best;
    private float _scale;
    private bool _whole;

    /// <param name="vocabularySize">Logits per row.</param>
    public Sampler(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        VocabularySize = vocabularySize;
        _select = new ThresholdSelect(vocabularySize);
        _candidates = new CandidateSet(vocabularySize, _select);
        var blocks = BlockScan.Blocks(vocabularySize);
        _maxima = new float[blocks];
        _sums = new float[blocks];
        _sampleMaxima = new float[blocks];
        _raw = new RawLogProbabilities(vocabularySize);
    }

    /// <summary>Logits per row.</summary>
    public int VocabularySize { get; }

    /// <summary>
    /// Samples one row. Reads the state and leaves it as it is: the caller accepts the token when the step commits.
    /// </summary>
    /// <param name="logits">The row, of <see cref="VocabularySize"/>; penalties and bias are written into it.</param>
    /// <param name="state">Parameters, history and position of the sequence.</param>
    /// <param name="alternatives">Receives the most probable tokens; at least <see cref="SamplingParameters.Logprobs"/> long.</param>
    /// <param name="token">The token, when the outcome is <see cref="SampleOutcome.Sampled"/>.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public SampleOutcome Sample(
        Span<float> logits, SequenceSamplingState state, Span<TokenLogProbability> alternatives, out SampledToken token)
    {
        ArgumentNullException.ThrowIfNull(state);
        token = default;
        var wanted = state.Parameters.Logprobs;
        if (alternatives.Length < wanted)
            throw new ArgumentException($"The buffer holds {alternatives.Length} alternatives, {wanted} were asked for.", nameof(alternatives));
        RequireRow(logits);
        var alternativeCount = 0;
        if (wanted is { } count)
        {
            if (!_raw.Measure(logits))
                return SampleOutcome.NonFiniteLogits;
            alternativeCount = _raw.Top(logits, alternatives[..count]);
            if (state.EditsLogits)
                _raw.Keep(logits);
        }

        var outcome = Choose(logits, state, out var id);
        if (outcome != SampleOutcome.Sampled)
            return outcome;
        float? logProbability = wanted is null ? null : state.EditsLogits ? _raw.Of(id) : _raw.Relative(logits[id]);
        token = new SampledToken(id, logProbability, alternativeCount);
        return outcome;
    }

    /// <summary>Computes the final distribution of one row, from which <see cref="Sample"/> would draw; one token when greedy.</summary>
    /// <param name="logits">The row, of <see cref="VocabularySize"/>; penalties and bias are written into it.</param>
    /// <param name="state">Parameters, history and position of the sequence.</param>
    /// <param name="distribution">Valid until the next call of this sampler.</param>
    /// <exception cref="ArgumentException">The row has another length.</exception>
    public SampleOutcome Distribute(Span<float> logits, SequenceSamplingState state, out TokenDistribution distribution)
    {
        ArgumentNullException.ThrowIfNull(state);
        RequireRow(logits);
        distribution = default;
        LogitEdits.Apply(logits, state);
        if (Select(logits, state.Parameters) is var outcome && outcome != SampleOutcome.Sampled)
            return outcome;
        if (state.Parameters.IsGreedy)
            _candidates.TakeOnly(FirstBest(logits));
        else if (_whole)
            Take(logits, float.NegativeInfinity);
        _candidates.Normalise();
        distribution = new TokenDistribution(_candidates.Ids, _candidates.Weights);
        return outcome;
    }

    private void RequireRow(ReadOnlySpan<float> logits)
    {
        if (logits.Length != VocabularySize)
            throw new ArgumentException($"The row has {logits.Length} logits, the vocabulary {VocabularySize} tokens.", nameof(logits));
    }

    private SampleOutcome Choose(Span<float> logits, SequenceSamplingState state, out int id)
    {
        id = 0;
        LogitEdits.Apply(logits, state);
        var outcome = Select(logits, state.Parameters);
        if (outcome != SampleOutcome.Sampled)
            return outcome;
        if (state.Parameters.IsGreedy)
        {
            id = FirstBest(logits);
            return outcome;
        }

        var uniform = PhiloxRandom.Uniform(state.Parameters.Seed, state.PositionTokens);
        id = _whole ? DrawWhole(logits, uniform) : _candidates.Draw(uniform * _candidates.Mass);
        return outcome;
    }

    // Leaves the surviving candidates with their weights, or _whole when nothing cuts the vocabulary, or just the maxima when greedy.
    private SampleOutcome Select(ReadOnlySpan<float> logits, SamplingParameters parameters)
    {
        var topK = parameters.TopK > 0 && parameters.TopK < VocabularySize;
        var topP = parameters.TopP < 1;
        var minP = parameters.MinP > 0;
        var typical = parameters.TypicalP < 1;
        _whole = !(topK || topP || minP || typical);
        _scale = parameters.IsGreedy ? 1 : 1 / parameters.Temperature;

        var sumsNeeded = !parameters.IsGreedy && !topK && (topP || _whole);
        var finite = sumsNeeded
            ? BlockScan.MaximaAndSums(logits, _scale, _maxima, _sums, out _best, out _mass)
            : BlockScan.Maxima(logits, _maxima, out _best);
        if (!finite)
            return SampleOutcome.NonFiniteLogits;
        if (float.IsNegativeInfinity(_best))
            return SampleOutcome.NoCandidates;
        if (parameters.IsGreedy || _whole)
            return SampleOutcome.Sampled;

        // Looser than the exact test on the weights by more than its rounding.
        var minPThreshold = minP ? _best + (parameters.Temperature * (MathF.Log(parameters.MinP) - 0.01f)) : float.NegativeInfinity;
        if (topK)
            TakeTopK(logits, parameters.TopK, topP ? parameters.TopP : null);
        else if (topP)
            TakeTopP(logits, parameters.TopP, minPThreshold);
        else
            Take(logits, minPThreshold);
        if (minP)
            _candidates.KeepMinP(parameters.MinP);
        if (typical)
            _candidates.KeepTypical(_best, _scale, parameters.TypicalP);
        return SampleOutcome.Sampled;
    }

    private void Take(ReadOnlySpan<float> logits, float threshold)
    {
        _candidates.Gather(logits, _maxima, threshold);
        _candidates.Weigh(_best, _scale);
    }

    private void TakeTopK(ReadOnlySpan<float> logits, int k, float? topP)
    {
        _candidates.Gather(logits, _maxima, KthMaximum(k));
        _candidates.KeepTopK(k);
        _candidates.Weigh(_best, _scale);
        if (topP is { } fraction)
            _candidates.KeepTopMass(fraction * _candidates.Mass);
    }

    // At least k logits reach the k-th largest block maximum, so the k largest logits do.
    private float KthMaximum(int k) => k > _maxima.Length ? float.NegativeInfinity : _select.KeepingLargest(_maxima, k);

    private int DrawWhole(ReadOnlySpan<float> logits, double uniform)
    {
        var point = uniform * _mass;
        var chosen = -1;
        double before = 0;
        for (var block = 0; block < _sums.Length; block++)
        {
            var mass = _sums[block];
            if (mass == 0)
                continue;
            (chosen, before) = (block, point);
            point -= mass;
            if (point < 0)
                break;
        }

        // Within the block the exponentials are taken again, relative to its own maximum.
        var start = chosen * BlockScan.BlockTokens;
        var tokens = logits.Slice(start, Math.Min(BlockScan.BlockTokens, logits.Length - start));
        Span<float> weights = stackalloc float[BlockScan.BlockTokens];
        VectorExp.Weights(tokens, _maxima[chosen], _scale, weights);
        var rest = before / Math.Exp((_maxima[chosen] - _best) * (double)_scale);
        var last = 0;
        for (var index = 0; index < tokens.Length; index++)
        {
            if (weights[index] == 0)
                continue;
            last = index;
            rest -= weights[index];
            if (rest < 0)
                break;
        }

        return start + last;
    }

    private int FirstBest(ReadOnlySpan<float> logits)
    {
        var start = _maxima.AsSpan().IndexOf(_best) * BlockScan.BlockTokens;
        return start + logits[start..].IndexOf(_best);
    }
}
