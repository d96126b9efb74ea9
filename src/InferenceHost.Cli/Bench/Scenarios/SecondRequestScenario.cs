using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>Time to first token of a request that arrives while others generate, against the same kind of request on an idle server.</summary>
internal sealed class SecondRequestScenario(ScenarioSettings settings) : IScenario
{
    /// <inheritdoc/>
    public string Name => "second-request";

    /// <inheritdoc/>
    public string Description =>
        $"{settings.Streams} long generation(s) running, then a request with {settings.ProbeTokens} prompt tokens; its TTFT against that of such a request alone.";

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioMetric> Metrics { get; } =
    [
        new("ttft_ms", "TTFT during the generation"),
        new("ttft_alone_ms", "TTFT on the idle server: the request's own prefill"),
        new("step_ms", "mean step of the running generation before the request came"),
        new("extra_steps", "steps it waited beyond its own prefill", 2),
    ];

    /// <inheritdoc/>
    public async Task<ScenarioSample> RunAsync(IBenchTarget target, int round, CancellationToken cancellationToken)
    {
        var alone = await ProbeRun.SendAsync(target, settings.Probe(round, 0), settings.Timeout, cancellationToken);
        if (alone.Failure is { } failure) return ScenarioSample.Failed(failure);

        await using var background = new BackgroundLoad(target, settings, round, cancellationToken);
        if (await background.WhenDecodingAsync(cancellationToken) is { } cannotStart) return ScenarioSample.Failed(cannotStart);
        var probe = await ProbeRun.SendAsync(target, settings.Probe(round, 1), settings.Timeout, cancellationToken);
        if ((await background.StopAsync() ?? probe.Failure) is { } failed) return ScenarioSample.Failed(failed);

        if (background.Gaps(0, probe.StartedAt).ToPercentiles() is not { Mean: var step }) return ScenarioSample.Failed("the background made no steps");
        var (ttft, ttftAlone) = (ProbeRun.TtftMs(probe), ProbeRun.TtftMs(alone));
        return new ScenarioSample(new Dictionary<string, double>
        {
            ["ttft_ms"] = ttft,
            ["ttft_alone_ms"] = ttftAlone,
            ["step_ms"] = step,
            ["extra_steps"] = (ttft - ttftAlone) / step,
        }, null);
    }
}
