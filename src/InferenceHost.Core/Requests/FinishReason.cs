namespace InferenceHost.Core.Requests;

/// <summary>How a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>An end-of-generation token or a stop token.</summary>
    Stop,

    /// <summary>A stop string.</summary>
    StopSequence,

    /// <summary>The token limit.</summary>
    MaxTokens,

    /// <summary>From outside: cancelled, drained, unloaded.</summary>
    Cancelled,

    /// <summary>Refused at admission or failed; <see cref="Refusal"/> says why.</summary>
    Failed,
}
