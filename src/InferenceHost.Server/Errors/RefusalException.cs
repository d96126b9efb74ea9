namespace InferenceHost.Server.Errors;

/// <summary>Carries a <see cref="Refusal"/> through an await; the interceptor turns it into a status.</summary>
internal sealed class RefusalException(Refusal refusal) : Exception(refusal.Message)
{
    /// <summary>What went wrong.</summary>
    public Refusal Refusal { get; } = refusal;
}
