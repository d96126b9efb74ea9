using InferenceHost.Core.Admission;
using InferenceHost.Core.Scheduling;

namespace InferenceHost.Core.Execution;

/// <summary>How an <see cref="EngineLoop"/> runs.</summary>
public sealed record LoopOptions
{
    /// <summary>Scheduling knobs.</summary>
    public required SchedulerOptions Scheduling { get; init; }

    /// <summary>Waiting sequences at most, all tenants together.</summary>
    public int MaxWaiting { get; init; } = 4096;

    /// <summary>Waiting sequences of one tenant at most.</summary>
    public int MaxWaitingPerTenant { get; init; } = 2048;

    /// <summary>Host memory for adapters, bytes.</summary>
    public long AdapterMemoryBytes { get; init; } = 2L << 30;

    /// <summary>Check ledger and engine against each other after every step; for tests.</summary>
    public bool CheckInvariants { get; init; }

    /// <summary>Where work beside the engine thread runs; null = the thread pool. Tests run it in place.</summary>
    public Action<Action>? RunOffThread { get; init; }

    internal AdmissionLimits LimitsFor(EngineCapabilities capabilities) => new()
    {
        MaxSequenceTokens = Math.Min(capabilities.PoolTokens, capabilities.TrainedContextTokens),
        MaxWaiting = MaxWaiting,
        MaxWaitingPerTenant = MaxWaitingPerTenant,
        VocabularySize = capabilities.VocabularySize,
        HasAdapters = capabilities.AdapterMode != AdapterMode.None,
    };
}
