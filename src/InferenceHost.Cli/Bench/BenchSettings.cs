using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench;

/// <summary>A checked command line.</summary>
internal sealed record BenchSettings
{
    /// <summary>Servers, in the order in which they take turns.</summary>
    public required IReadOnlyList<TargetSpec> Targets { get; init; }

    /// <summary>Name of the target that ratios are against.</summary>
    public required string Baseline { get; init; }

    /// <summary>Load, or one of the scenarios.</summary>
    public required string Scenario { get; init; }

    /// <summary>Points of the sweep.</summary>
    public required IReadOnlyList<LoadLevel> Levels { get; init; }

    /// <summary>Closed loop: requests of each stream.</summary>
    public required int RequestsPerStream { get; init; }

    /// <summary>Open loop: requests per round.</summary>
    public required int Requests { get; init; }

    /// <summary>Measured rounds.</summary>
    public required int Repetitions { get; init; }

    /// <summary>Discarded rounds before them, per level and target.</summary>
    public required int WarmupRounds { get; init; }

    /// <summary>Rest between two rounds.</summary>
    public required TimeSpan Pause { get; init; }

    /// <summary>Limit of every request.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What good service means.</summary>
    public required ServiceObjective Objective { get; init; }

    /// <summary>Lowest median throughput ratio by level value.</summary>
    public required IReadOnlyDictionary<double, double> MinRatios { get; init; }

    /// <summary>Whether a missed limit of a scenario decides the exit code.</summary>
    public required bool Strict { get; init; }

    /// <summary>Failed requests that are still a success.</summary>
    public required int MaxErrors { get; init; }

    /// <summary>Where prompts come from.</summary>
    public required PromptSettings Prompts { get; init; }

    /// <summary>Everything of the workload but its prompts, which may need a server's tokenizer.</summary>
    public required WorkloadPlan Plan { get; init; }

    /// <summary>JSON output, or <see langword="null"/>.</summary>
    public required string? JsonPath { get; init; }

    /// <summary>Markdown output, or <see langword="null"/>.</summary>
    public required string? MarkdownPath { get; init; }

    /// <summary>SVG output, or <see langword="null"/>.</summary>
    public required string? SvgPath { get; init; }

    /// <summary>The command line, for the report.</summary>
    public required string CommandLine { get; init; }
}
