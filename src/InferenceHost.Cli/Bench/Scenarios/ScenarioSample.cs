namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>One run of a scenario against one target.</summary>
/// <param name="Values">Figures by <see cref="ScenarioMetric.Key"/>; empty when it failed.</param>
/// <param name="Failure">Why it failed.</param>
internal sealed record ScenarioSample(IReadOnlyDictionary<string, double> Values, string? Failure)
{
    /// <summary>A failed run.</summary>
    public static ScenarioSample Failed(string failure) => new(new Dictionary<string, double>(), failure);
}
