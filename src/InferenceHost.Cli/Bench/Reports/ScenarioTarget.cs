using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Scenarios;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>A target in a scenario.</summary>
/// <param name="Target">Label.</param>
/// <param name="Medians">Median of the rounds by metric.</param>
/// <param name="Held">Whether each limited metric's median is within its limit.</param>
/// <param name="Rounds">Every round's figures.</param>
/// <param name="Failures">Texts of failed rounds.</param>
internal sealed record ScenarioTarget(
    string Target, IReadOnlyDictionary<string, double?> Medians, IReadOnlyDictionary<string, bool> Held,
    IReadOnlyList<IReadOnlyDictionary<string, double>> Rounds, IReadOnlyList<string> Failures)
{
    /// <summary>Sums up the rounds.</summary>
    public static ScenarioTarget Of(IScenario scenario, string target, IReadOnlyList<ScenarioSample> samples)
    {
        var medians = scenario.Metrics.ToDictionary(
            metric => metric.Key,
            metric => Median.Of(samples.Select(sample => sample.Values.TryGetValue(metric.Key, out var value) ? value : (double?)null)));
        var held = scenario.Metrics.Where(metric => metric.Limit is not null)
            .ToDictionary(metric => metric.Key, metric => medians[metric.Key] is { } median && median <= metric.Limit);
        return new ScenarioTarget(target, medians, held,
            [.. samples.Where(sample => sample.Failure is null).Select(sample => sample.Values)],
            [.. samples.Where(sample => sample.Failure is not null).Select(sample => sample.Failure!)]);
    }
}
