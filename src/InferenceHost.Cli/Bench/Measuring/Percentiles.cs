namespace InferenceHost.Cli.Bench.Measuring;

/// <summary>A latency distribution in milliseconds.</summary>
/// <param name="Count">Values.</param>
/// <param name="Mean">Arithmetic mean.</param>
/// <param name="P50">Median.</param>
/// <param name="P95">95th percentile.</param>
/// <param name="P99">99th percentile.</param>
/// <param name="Max">Highest value.</param>
internal sealed record Percentiles(long Count, double Mean, double P50, double P95, double P99, double Max);
