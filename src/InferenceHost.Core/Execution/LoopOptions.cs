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

    /// <summary>Threads that sample at most, the engine thread included; 1 = the engine thread alone.</summary>
    public int SamplingThreads { get; init; } = Math.Min(2, Environment.ProcessorCount);

    /// <summary>Logits of a step (rows to sample x vocabulary) from which its rows are shared among threads; with fewer, waking a thread costs more than it saves.</summary>
    public long ParallelSamplingLogits { get; init; } = 1 << 19;

    /// <summary>Told, on the engine thread, of an exception that ended one sequence and left the others alone.</summary>
    public Action<Exception>? OnFault { get; init; }

    internal AdmissionLimits LimitsFor(EngineCapabilities capabilities) => new()
    {
        MaxSequenceTokens = Math.Min(capabilities.PoolTokens, capabilities.TrainedContextTokens),
        MaxWaiting = MaxWaiting,
        MaxWaitingPerTenant = MaxWaitingPerTenant,
        VocabularySize = capabilities.VocabularySize,
        HasAdapters = capabilities.AdapterMode != AdapterMode.None,
    };
}
