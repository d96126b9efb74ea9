using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Speculation;

/// <summary>
/// Checks a draft against the model's own choice, row by row of one step: row i holds the logits after the first i drafted tokens. The token of each row is sampled as without a draft;
/// while it equals the drafted one the next row is valid, and the first that differs is the last token of the step. A whole draft that stands gives one token more.
/// </summary>
/// <remarks>
/// Lossless at any temperature. Speculative sampling (Leviathan, Kalman and Matias 2023, arXiv:2211.17192, algorithm 1) accepts a token x drawn from the draft's
/// distribution q with probability min(1, p(x)/q(x)) and otherwise draws from norm(max(0, p - q)). A look-up drafts one token x with q(x) = 1, so that is:
/// accept with probability p(x), otherwise draw from p without x, renormalised. Drawing y from p and comparing it with x does just that: P(y = x) = p(x), and given y differs from x
/// its law is p without x, renormalised. Because y is drawn with the random number of its position, the output is also, number for number, what the same seed gives without speculation
/// (as far as the engine gives the same logits for a batch of rows as for one).
/// </remarks>
public ref struct DraftVerifier
{
    private readonly ReadOnlySpan<int> _draft;

    /// <param name="draft">Drafted tokens; empty = an ordinary decode step.</param>
    public DraftVerifier(ReadOnlySpan<int> draft) => _draft = draft;

    /// <summary>The row that comes next (0 to the length of the draft); meaningful until <see cref="IsDone"/>.</summary>
    public int Row { get; private set; }

    /// <summary>Drafted tokens that stood: the sequence's cells beyond them must be trimmed.</summary>
    public int Accepted { get; private set; }

    /// <summary>Whether the last token of the step has been given.</summary>
    public bool IsDone { get; private set; }

    /// <summary>
    /// Samples the next row and accepts the token into the state, since the following row is conditioned on it. The caller may stop at any row (end of sequence, stop string, limit).
    /// </summary>
    /// <param name="sampler">A sampler of the model's vocabulary size.</param>
    /// <param name="logits">Logits of row <see cref="Row"/>.</param>
    /// <param name="state">The sequence; only on <see cref="SampleOutcome.Sampled"/> is it changed.</param>
    /// <param name="alternatives">As for <see cref="Sampler.Sample"/>.</param>
    /// <param name="token">The token.</param>
    /// <exception cref="InvalidOperationException">The step is done.</exception>
    public SampleOutcome Next(
        Sampler sampler,
        scoped Span<float> logits,
        SequenceSamplingState state,
        scoped Span<TokenLogProbability> alternatives,
        out SampledToken token)
    {
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(state);
        if (IsDone)
            throw new InvalidOperationException("The step is done: the rows that are left are conditioned on tokens that did not stand.");
        var outcome = sampler.Sample(logits, state, alternatives, out token);
        if (outcome != SampleOutcome.Sampled)
        {
            IsDone = true;
            return outcome;
        }

        state.Accept(token.Id);
        if (Row < _draft.Length && _draft[Row] == token.Id)
            Accepted++;
        else
            IsDone = true;
        Row++;
        return outcome;
    }
}
