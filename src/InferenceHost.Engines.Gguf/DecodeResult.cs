using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf;

/// <summary>What llama_decode returns (llama.h; v0.5.0).</summary>
internal enum DecodeResult
{
    /// <summary>All rows computed.</summary>
    Success = 0,

    /// <summary>No place in the KV memory for the batch; memory unchanged.</summary>
    NoSlot = 1,

    /// <summary>Aborted by the callback; micro-batches that were finished stay in memory.</summary>
    Aborted = 2,

    /// <summary>Positions, sequence numbers or tokens make no sense; memory unchanged.</summary>
    InvalidBatch = -1,

    /// <summary>A buffer could not be allocated; micro-batches that were finished stay in memory.</summary>
    AllocationFailed = -2,

    /// <summary>The backend failed; micro-batches that were finished stay in memory.</summary>
    ComputeFailed = -3,
}

/// <summary>Maps results to the contract's outcomes.</summary>
internal static class DecodeResults
{
    public static ExecutionStatus ToStatus(this DecodeResult result) => result switch
    {
        DecodeResult.Success => ExecutionStatus.Completed,
        DecodeResult.NoSlot => ExecutionStatus.NoCacheRoom,
        DecodeResult.Aborted => ExecutionStatus.Aborted,
        DecodeResult.InvalidBatch => ExecutionStatus.InvalidBatch,
        _ => ExecutionStatus.Failed,
    };
}
