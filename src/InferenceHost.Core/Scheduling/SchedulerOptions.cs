namespace InferenceHost.Core.Scheduling;

/// <summary>Knobs of the scheduler.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Sequences decoded together at most.</summary>
    public required int Parallel { get; init; }

    /// <summary>Rows of one step at most; bounded by the engine.</summary>
    public int MaxBatchTokens { get; init; } = 512;

    /// <summary>Inter-token latency to keep while prompts are prefilled; zero = by the measured time of a step that only decodes, and by how many wait for their first token.</summary>
    public TimeSpan TargetInterTokenLatency { get; init; }

    /// <summary>Keep the cells of ended sequences for prompts that begin alike.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>Cells the prefix cache may keep; null = whatever running sequences leave.</summary>
    public int? PrefixCacheTokens { get; init; }

    /// <summary>Host memory for the states of preempted sequences whose cells others take, bytes; 0 = they are always computed again.</summary>
    public long SwapMemoryBytes { get; init; } = 1L << 30;

    /// <summary>Cells that must be at stake before a state is copied: few tokens are computed again within one step.</summary>
    public int SwapMinimumTokens { get; init; } = 64;

    /// <summary>Guess tokens by prompt look-up and verify them in the same step.</summary>
    public bool Speculation { get; init; }

    /// <summary>Rows of a step up to which drafts are added, as far as the measured time of a row lets them pay.</summary>
    public int SpeculationRows { get; init; } = 64;

    /// <summary>Weights of tenants that have another than 1.</summary>
    public IReadOnlyDictionary<string, double> TenantWeights { get; init; } = new Dictionary<string, double>();

    /// <summary>Part of the running places that one tenant may hold while others wait or not, 0..1.</summary>
    public double MaxTenantShare { get; init; } = 1;

    /// <summary>After this time waiting batch work counts as interactive.</summary>
    public TimeSpan BatchAging { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Tokens a sequence may generate before it can lose its place to another tenant.</summary>
    public int PreemptionQuantumTokens { get; init; } = 16;

    /// <summary>
    /// Tokens that the sequences of an adapter may generate before its slot can go to another adapter, and steps that a sequence waits for a slot before one is taken for it.
    /// More than for a place: the other adapter has to be copied.
    /// </summary>
    public int SlotQuantumTokens { get; init; } = 64;
}
