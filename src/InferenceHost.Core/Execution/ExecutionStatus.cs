namespace InferenceHost.Core.Execution;

/// <summary>Outcome of one engine call.</summary>
public enum ExecutionStatus
{
    /// <summary>All rows computed.</summary>
    Completed,

    /// <summary>No room in the KV memory; memory unchanged.</summary>
    NoCacheRoom,

    /// <summary>The call was aborted; some rows may be in memory.</summary>
    Aborted,

    /// <summary>The engine refused the batch; memory unchanged.</summary>
    InvalidBatch,

    /// <summary>The engine failed; some rows may be in memory and the engine may be unusable.</summary>
    Failed,
}
