using InferenceHost.Core.Requests;

namespace InferenceHost.Core.Streaming;

/// <summary>The end of a sample.</summary>
/// <param name="Reason">How it ended.</param>
/// <param name="Refusal">Why, where <paramref name="Reason"/> is Failed; also given for Cancelled where the loop itself ended it.</param>
/// <param name="Usage">What it cost.</param>
public sealed record SequenceFinish(FinishReason Reason, Refusal? Refusal, Usage Usage);
