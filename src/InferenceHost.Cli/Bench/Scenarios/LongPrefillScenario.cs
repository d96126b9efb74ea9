using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>What running streams feel while another tenant's long prompt is prefilled.</summary>
internal sealed class LongPrefillScenario(ScenarioSettings settings) : IScenario
{
    /// <inheritdoc/>
    public string Name => "long-prefill";

    /// <inheritdoc/>
    public string Description =>
        $"{settings.Streams} stream(s) decoding, then a request with {settings.ProbeTokens} prompt tokens; inter-token latency of the streams from its start to its last of four tokens.";

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioMetric> Metrics { get; } =
    [
        new("median_before_ms", "median inter-token latency before the prompt came"),
        new("median_during_ms", "median while it is prefilled"),
        new("p99_during_ms", "99th percentile while it is prefilled"),
        new("max_during_ms", "longest gap while it is prefilled"),
        new("p99_ratio", "99th percentile during / median before", 3),
        new("prefill_ttft_ms", "TTFT of the long prompt"),
    ];

    /// <inheritdoc/>
    public async Task<ScenarioSample> RunAsync(IBenchTarget target, int round, CancellationToken cancellationToken)
    {
        await using var background = new BackgroundLoad(target, settings, round, cancellationToken);
        if (await background.WhenDecodingAsync(cancellationToken) is { } cannotStart) return ScenarioSample.Failed(cannotStart);
        var probe = await ProbeRun.SendAsync(target, settings.Probe(round, 0), settings.Timeout, cancellationToken);
        if ((await background.StopAsync() ?? probe.Failure) is { } failed) return ScenarioSample.Failed(failed);

        // The last gap that the prefill stretched ends with the step that brought the first token, a moment after or before it: the probe's few
        // further tokens close the window.
        var before = background.Gaps(0, probe.StartedAt);
        var during = background.Gaps(probe.StartedAt, probe.Times[^1]);
        if (before.PercentileMs(50) is not { } median || during.Count == 0) return ScenarioSample.Failed("the streams got no token while the prompt was prefilled");
        return new ScenarioSample(new Dictionary<string, double>
        {
            ["median_before_ms"] = median,
            ["median_during_ms"] = during.PercentileMs(50)!.Value,
            ["p99_during_ms"] = during.PercentileMs(99)!.Value,
            ["max_during_ms"] = during.PercentileMs(100)!.Value,
            ["p99_ratio"] = during.PercentileMs(99)!.Value / median,
            ["prefill_ttft_ms"] = ProbeRun.TtftMs(probe),
        }, null);
    }
}
