namespace InferenceHost.Core.Scheduling;

/// <summary>
/// How many prefill tokens a step takes beside its decode rows, from measured step times.
/// Short prompts may be taken whole on credit that time refills, so that a second request does not wait for many small chunks.
/// </summary>
internal sealed class StepBudget(TimeSpan target)
{
    /// <summary>Prompts up to this length may be taken whole.</summary>
    public const int ShortPromptTokens = 256;

    // Behind thousands of cells a token costs as much as a step's share; fewer would hardly come on.
    private const int MinimumChunkTokens = 2;

    // While a long prompt comes in no step only decodes, and what decoding costs grows with the contexts or with what else the machine does.
    private const int StepsBetweenMeasurements = 16;

    // Of the decode rows' time. Steps vary by half even on a quiet machine: this keeps the 99th percentile below three times the median.
    private const double LeastPrefillShare = 0.4;
    private const double CreditPerSecond = 0.1;
    private const double MaxCreditSeconds = 0.25;
    private const double FullPriceRows = 8;

    // Drafts make steps longer and their times uneven: they must bring a little more than they cost.
    private const double DraftMargin = 1.3;

    private readonly StepTimes _times = new();
    private double _credit = MaxCreditSeconds;

    /// <summary>Smoothed time of one more prefill token, seconds; 0 = not measured yet.</summary>
    public double PrefillTokenSeconds => _times.PrefillTokenSeconds;

    /// <summary>The same for many tokens at once: what a token of a prompt costs that is computed as fast as it can be.</summary>
    public double PromptTokenSeconds => _times.PromptTokenSeconds;

    // Whether the next step is to decode and nothing else.
    private bool IsMeasuring => _times.MixedSteps >= StepsBetweenMeasurements;

    /// <summary>Prefill tokens that keep the step near the target while <paramref name="decodeRows"/> sequences decode; none in a step that is to be measured without.</summary>
    /// <param name="decodeRows">Sequences that decode in the step.</param>
    /// <param name="demand">Tenants that wait for a first token for each tenant that decodes. Without a target, prefill gets two fifths of the decode rows' time, and more where more wait.</param>
    /// <param name="maxBatchTokens">Rows of a step at most.</param>
    public int ChunkTokens(int decodeRows, double demand, int maxBatchTokens)
    {
        if (decodeRows == 0 || PrefillTokenSeconds <= 0) return maxBatchTokens - decodeRows;
        if (IsMeasuring) return 0;
        var decode = _times.DecodeSeconds(decodeRows);
        var goal = target > TimeSpan.Zero ? target.TotalSeconds : decode * (1 + Math.Max(LeastPrefillShare, demand));
        var tokens = Math.Round((goal - decode) / PrefillTokenSeconds, 6);
        return (int)Math.Clamp(tokens, MinimumChunkTokens, Math.Max(MinimumChunkTokens, maxBatchTokens - decodeRows));
    }

    /// <summary>Spends credit to take a short prompt whole, where there is enough. Where few wait for the step it costs less, down to a half.</summary>
    public bool TrySpend(int tokensOverBudget, int decodeRows)
    {
        var cost = tokensOverBudget * PromptTokenSeconds * Math.Clamp(decodeRows / FullPriceRows, 0.5, 1);
        if (cost > _credit || (IsMeasuring && decodeRows > 0)) return false;
        _credit -= cost;
        return true;
    }

    /// <summary>Refills the credit with time that has passed, worked or idle.</summary>
    public void Accrue(TimeSpan passed) => _credit = Math.Min(MaxCreditSeconds, _credit + (passed.TotalSeconds * CreditPerSecond));

    /// <summary>
    /// Share of a draft's tokens that must stand so that verifying them brings more tokens per second than not: a row's time over the time per token of a step without
    /// drafts, and a margin. Near 0 where rows cost nothing (few on a GPU); more than 1 in a step that is to be measured without them.
    /// </summary>
    public double BreakEvenAcceptance(int decodeRows)
    {
        if (IsMeasuring || !_times.HasDecoded) return double.PositiveInfinity;
        var decode = _times.DecodeSeconds(decodeRows);
        return decode > 0 ? DraftMargin * decodeRows * _times.DraftRowSeconds / decode : 0;
    }

    /// <inheritdoc cref="StepTimes.Observe"/>
    public void Observe(double seconds, int decodeRows, int prefillTokens, int draftRows = 0) => _times.Observe(seconds, decodeRows, prefillTokens, draftRows);
}
