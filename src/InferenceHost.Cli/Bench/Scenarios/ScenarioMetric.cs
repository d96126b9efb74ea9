namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>One figure of a scenario.</summary>
/// <param name="Key">Name in JSON, with its unit.</param>
/// <param name="Description">What it is.</param>
/// <param name="Limit">Highest value of the median that is still good; <see langword="null"/> = only shown.</param>
internal sealed record ScenarioMetric(string Key, string Description, double? Limit = null);
