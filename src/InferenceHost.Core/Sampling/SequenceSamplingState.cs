namespace InferenceHost.Core.Sampling;

/// <summary>
/// What sampling remembers of one sequence: its parameters, the history that the penalties look at, and how many tokens it has drawn.
/// Owned by the thread of the decode loop. <see cref="Sampler"/> only reads it; the loop accepts a token when the step commits, so that a failed step changes nothing.
/// </summary>
public sealed class SequenceSamplingState
{
    private readonly TokenHistory? _history;
    private readonly int[] _biasIds;
    private readonly float[] _biasValues;

    /// <param name="parameters">Validated parameters (<see cref="SamplingParametersValidator"/>).</param>
    /// <param name="capacityTokens">Expected length of prompt and output; up to it no later call allocates.</param>
    public SequenceSamplingState(SamplingParameters parameters, int capacityTokens)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegative(capacityTokens);
        Parameters = parameters;
        if (parameters.UsesHistory)
            _history = new TokenHistory(parameters.PenaltyWindowTokens, capacityTokens);
        _biasIds = [.. parameters.LogitBias.Keys];
        _biasValues = [.. parameters.LogitBias.Values];
    }

    /// <summary>The parameters of the sequence.</summary>
    public SamplingParameters Parameters { get; }

    /// <summary>Output tokens accepted so far: the counter of the random generator.</summary>
    public long PositionTokens { get; private set; }

    /// <summary>Whether logits are changed before the temperature (penalties or bias).</summary>
    public bool EditsLogits => _history is not null || _biasIds.Length > 0;

    internal TokenHistory? History => _history;

    internal ReadOnlySpan<int> BiasIds => _biasIds;

    internal ReadOnlySpan<float> BiasValues => _biasValues;

    /// <summary>Enters the prompt into the history of the penalties; does not advance the random generator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token id is negative.</exception>
    public void AcceptPrompt(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(token);
            _history?.Add(token);
        }
    }

    /// <summary>Commits one output token: it enters the history and the random generator moves to the next position.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is negative.</exception>
    public void Accept(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        _history?.Add(token);
        PositionTokens++;
    }
}
