namespace InferenceHost.Core.Streaming;

/// <summary>What one piece of text came to after the stop strings.</summary>
/// <param name="EmittedBytes">Bytes written that can no longer be part of a stop string; on a match all text before it.</param>
/// <param name="Stopped">Whether a stop string is complete: the sequence ends here, the string itself is not emitted.</param>
/// <param name="StopIndex">Index of that stop string in the request; meaningful only when <paramref name="Stopped"/>.</param>
public readonly record struct StopAppendResult(int EmittedBytes, bool Stopped, int StopIndex);
