using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>A measurement that is more than load: requests that meet at a chosen moment.</summary>
internal interface IScenario
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>What happens, with the numbers, for the report.</summary>
    string Description { get; }

    /// <summary>The figures, in the order of the report.</summary>
    IReadOnlyList<ScenarioMetric> Metrics { get; }

    /// <summary>Runs it once.</summary>
    /// <param name="target">Against this server.</param>
    /// <param name="round">Number of the round, negative for warm-up; random prompts differ between rounds.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task<ScenarioSample> RunAsync(IBenchTarget target, int round, CancellationToken cancellationToken);
}
