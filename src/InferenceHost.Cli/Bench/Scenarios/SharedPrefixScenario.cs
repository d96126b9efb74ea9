using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>What a system prompt costs the second time.</summary>
internal sealed class SharedPrefixScenario(ScenarioSettings settings) : IScenario
{
    private const int SuffixTokens = 16;
    private const int Repeats = 3;

    /// <inheritdoc/>
    public string Name => "shared-prefix";

    /// <inheritdoc/>
    public string Description =>
        $"A prompt of {settings.ProbeTokens} tokens never seen before plus {SuffixTokens} others, then {Repeats} times the same beginning with another ending.";

    /// <inheritdoc/>
    public IReadOnlyList<ScenarioMetric> Metrics { get; } =
    [
        new("first_ttft_ms", "TTFT the first time"),
        new("repeat_ttft_ms", "median TTFT of the repetitions"),
        new("repeat_ratio", "repetition / first time", 0.1),
        new("cached_tokens", "prompt tokens that the server says it had, median of the repetitions"),
    ];

    /// <inheritdoc/>
    public async Task<ScenarioSample> RunAsync(IBenchTarget target, int round, CancellationToken cancellationToken)
    {
        var prefix = settings.Probe(round, 0).Prompt.TokenIds!;
        var traces = new List<RequestTrace>();
        for (var i = 0; i <= Repeats; i++)
        {
            var random = SeededRandom.Derive(settings.Plan.Seed, ScenarioSettings.ProbeKind, round, -1 - i);
            var suffix = settings.Plan.Prompts.Next(i, SuffixTokens, random).TokenIds!;
            var request = settings.Probe(round, i) with { Prompt = new BenchPrompt([.. prefix, .. suffix], null) };
            var trace = await ProbeRun.SendAsync(target, request, settings.Timeout, cancellationToken);
            if (trace.Failure is { } failure) return ScenarioSample.Failed(failure);
            traces.Add(trace);
        }
        var first = ProbeRun.TtftMs(traces[0]);
        var repeat = Median.Of(traces.Skip(1).Select(trace => (double?)ProbeRun.TtftMs(trace)))!.Value;
        return new ScenarioSample(new Dictionary<string, double>
        {
            ["first_ttft_ms"] = first,
            ["repeat_ttft_ms"] = repeat,
            ["repeat_ratio"] = repeat / first,
            ["cached_tokens"] = Median.Of(traces.Skip(1).Select(trace => (double?)(trace.CachedTokens ?? 0)))!.Value,
        }, null);
    }
}
