namespace InferenceHost.Core.Execution;

/// <summary>Whether sampling ended a sequence.</summary>
internal enum SampleEnding
{
    None,
    Stop,
    StopSequence,
    MaxTokens,
    Failed,
}
