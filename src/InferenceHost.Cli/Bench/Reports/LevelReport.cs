using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>One level of the sweep.</summary>
/// <param name="Label">In words.</param>
/// <param name="Streams">Closed loop: concurrent streams.</param>
/// <param name="RatePerSecond">Open loop: arrivals per second.</param>
/// <param name="Targets">Figures of each target.</param>
/// <param name="Ratios">Each target but the baseline against it.</param>
internal sealed record LevelReport(
    string Label, int? Streams, double? RatePerSecond, IReadOnlyList<TargetSummary> Targets, IReadOnlyList<RatioSummary> Ratios)
{
    /// <summary>Metric of the throughput ratio.</summary>
    public const string Throughput = "tokensPerSecond";

    private static readonly (string Metric, Func<RoundResult, double?> Value)[] Compared =
    [
        (Throughput, round => round.TokensPerSecond > 0 ? round.TokensPerSecond : null),
        ("steadyTokensPerSecond", round => round.SteadyTokensPerSecond),
        ("ttftP50", round => round.Ttft.PercentileMs(50)),
        ("ttftP99", round => round.Ttft.PercentileMs(99)),
        ("interTokenP50", round => round.InterToken.PercentileMs(50)),
        ("interTokenP99", round => round.InterToken.PercentileMs(99)),
    ];

    /// <summary>Sums up the rounds of a level. The order of targets is that of the command line; rounds lie at the same place in every list.</summary>
    public static LevelReport Of(LoadLevel level, IReadOnlyList<(string Target, IReadOnlyList<RoundResult> Rounds)> results, string baseline)
    {
        var reference = results.First(result => result.Target == baseline).Rounds;
        var ratios = from result in results
                     where result.Target != baseline
                     from compared in Compared
                     select RatioSummary.Compute(result.Target, baseline, compared.Metric,
                         [.. result.Rounds.Select(compared.Value)], [.. reference.Select(compared.Value)]);
        return new LevelReport(level.Label, level.Streams, level.RatePerSecond,
            [.. results.Select(result => TargetSummary.Of(result.Target, result.Rounds))], [.. ratios]);
    }

    /// <summary>The median throughput ratio of a target; <see langword="null"/> for the baseline or without figures.</summary>
    public double? ThroughputRatio(string target) => Ratios.FirstOrDefault(ratio => ratio.Target == target && ratio.Metric == Throughput)?.Median;
}
