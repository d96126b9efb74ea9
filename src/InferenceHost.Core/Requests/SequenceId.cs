namespace InferenceHost.Core.Requests;

/// <summary>Id of a request, chosen by whoever submits it and never reused.</summary>
public readonly record struct SequenceId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"#{Value}";
}
