namespace InferenceHost.Core.Execution;

/// <summary>Whether sampling ended a sequence.</summary>
internal enum SampleEnding
{
    None,
    Stop,
    StopSequence,
    MaxTokens,
    Failed,

    /// <summary>An exception came out of the row: a bug, or an engine that is broken.</summary>
    Faulted,
}
