namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>
/// A target against the baseline: one ratio per round (both measured right after each other), and the median of these. The ratio of medians would
/// mix rounds that ran minutes apart on a machine whose speed drifts.
/// </summary>
/// <param name="Target">Numerator.</param>
/// <param name="Baseline">Denominator.</param>
/// <param name="Metric">Which figure; for latencies below 1 is better.</param>
/// <param name="Median">Median of the rounds; <see langword="null"/> where no round has both.</param>
/// <param name="Min">Lowest of the rounds.</param>
/// <param name="Max">Highest of the rounds.</param>
/// <param name="PerRound">The ratio of each round; <see langword="null"/> where one side has no figure or the baseline is 0.</param>
internal sealed record RatioSummary(string Target, string Baseline, string Metric, double? Median, double? Min, double? Max, IReadOnlyList<double?> PerRound)
{
    /// <summary>Pairs the rounds of two targets.</summary>
    public static RatioSummary Compute(string target, string baseline, string metric, IReadOnlyList<double?> numerators, IReadOnlyList<double?> denominators)
    {
        var ratios = numerators.Zip(denominators, (a, b) => a is { } top && b is { } bottom && bottom != 0 ? (double?)(top / bottom) : null).ToList();
        return new RatioSummary(target, baseline, metric, Measuring.Median.Of(ratios), ratios.Min(), ratios.Max(), ratios);
    }
}
