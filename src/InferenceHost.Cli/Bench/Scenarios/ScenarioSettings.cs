using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Scenarios;

/// <summary>What the scenarios share.</summary>
/// <param name="Plan">Makes the prompts.</param>
/// <param name="Streams">Streams that run in the background.</param>
/// <param name="ProbeTokens">Prompt tokens of the request that is measured (or whose prefill is).</param>
/// <param name="Timeout">Limit of every request.</param>
internal sealed record ScenarioSettings(WorkloadPlan Plan, int Streams, int ProbeTokens, TimeSpan Timeout)
{
    /// <summary>Tokens that every background stream has got before the probe is sent.</summary>
    public const int BackgroundTokens = 24;

    /// <summary>Prompt tokens of a background request.</summary>
    public const int BackgroundPromptTokens = 32;

    /// <summary>Tokens that a probe generates.</summary>
    public const int ProbeOutputTokens = 4;

    /// <summary>Keeps the random prompts of background and probes apart.</summary>
    public const int BackgroundKind = 1_000_001;

    /// <summary>See <see cref="BackgroundKind"/>.</summary>
    public const int ProbeKind = 1_000_002;

    /// <summary>Adapter of the probe: the last of the list, so that with two adapters the probe is another tenant.</summary>
    public string? ProbeAdapter => Plan.Adapters.Count == 0 ? null : Plan.AdapterOf(Plan.Adapters.Count - 1);

    /// <summary>Adapter of a background stream: dealt round-robin from all but the probe's.</summary>
    public string? BackgroundAdapter(int stream) => Plan.Adapters.Count < 2 ? Plan.AdapterOf(0) : Plan.AdapterOf(stream % (Plan.Adapters.Count - 1));

    /// <summary>A request of the background: its prompt is short, whatever the probe's is.</summary>
    public BenchRequest Background(int round, int ordinal) =>
        Request(BackgroundKind, round, ordinal, BackgroundAdapter(ordinal % Streams), Math.Min(BackgroundPromptTokens, ProbeTokens));

    /// <summary>A probe; no two share a prefix.</summary>
    public BenchRequest Probe(int round, int ordinal) =>
        Request(ProbeKind, round, ordinal, ProbeAdapter, ProbeTokens) with { MaxTokens = ProbeOutputTokens };

    private BenchRequest Request(int kind, int round, int ordinal, string? adapter, int promptTokens) =>
        Plan.Request(kind, round, ordinal, adapter) with
        {
            Prompt = Plan.Prompts.Next(ordinal, promptTokens, SeededRandom.Derive(Plan.Seed, kind, round, ordinal)),
            IgnoreEos = true,
        };
}
