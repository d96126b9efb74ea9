namespace InferenceHost.Server.Adapters;

/// <summary>A request's hold on a generation, from admission to its end.</summary>
internal sealed class AdapterPin(AdapterRegistry registry, AdapterGeneration generation, long number) : IDisposable
{
    private bool _released;

    /// <summary>What the name pointed to at admission.</summary>
    public AdapterGeneration Generation => generation;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _released, true))
            registry.Release(generation, number);
    }
}
