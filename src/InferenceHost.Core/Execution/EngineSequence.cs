namespace InferenceHost.Core.Execution;

/// <summary>Number of a sequence in the engine's KV memory, 0..<see cref="EngineCapabilities.MaxSequences"/> - 1; reused, unlike a request's id.</summary>
public readonly record struct EngineSequence(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"seq {Value}";
}
