using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Bench.Reports;

/// <summary>Everything a run found out; the JSON output is this.</summary>
/// <param name="Format">Name and version of the layout.</param>
/// <param name="Environment">Machine and driver.</param>
/// <param name="Workload">What was run.</param>
/// <param name="Baseline">Target that the ratios are against.</param>
/// <param name="Targets">The servers.</param>
/// <param name="Levels">Load: one entry per level.</param>
/// <param name="Scenarios">Scenarios.</param>
internal sealed record BenchReport(
    string Format, EnvironmentInfo Environment, WorkloadInfo Workload, string Baseline, IReadOnlyList<TargetInfo> Targets,
    IReadOnlyList<LevelReport> Levels, IReadOnlyList<ScenarioReport> Scenarios)
{
    /// <summary>Current layout.</summary>
    public const string CurrentFormat = "inferencehost-bench/1";

    /// <summary>Failed requests and scenario rounds in all.</summary>
    public int Failures => Levels.Sum(level => level.Targets.Sum(target => target.FailedRequests))
        + Scenarios.Sum(scenario => scenario.Targets.Sum(target => target.Failures.Count));
}
