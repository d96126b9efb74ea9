using InferenceHost.Cli.Bench.Scenarios;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>A scenario: medians of the rounds per target.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Description">What happened.</param>
/// <param name="Metrics">The figures and their limits.</param>
/// <param name="Targets">Results.</param>
internal sealed record ScenarioReport(
    string Name, string Description, IReadOnlyList<ScenarioMetric> Metrics, IReadOnlyList<ScenarioTarget> Targets)
{
    /// <summary>Sums up the rounds.</summary>
    public static ScenarioReport Of(IScenario scenario, IReadOnlyList<(string Target, IReadOnlyList<ScenarioSample> Samples)> results) =>
        new(scenario.Name, scenario.Description, scenario.Metrics, [.. results.Select(result => ScenarioTarget.Of(scenario, result.Target, result.Samples))]);
}
