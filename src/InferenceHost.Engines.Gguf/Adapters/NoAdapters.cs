using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>An engine that was loaded without adapter slots.</summary>
internal sealed class NoAdapters : IAdapterPath
{
    /// <inheritdoc/>
    public AdapterMode Mode => AdapterMode.None;

    /// <inheritdoc/>
    public bool Accepts(StepBatch batch) => !batch.AdapterSlots.ContainsAnyExcept(0);

    /// <inheritdoc/>
    public void BeforeStep(StepBatch batch)
    {
    }

    /// <inheritdoc/>
    public string? AfterStep() => null;

    /// <inheritdoc/>
    public PreparedAdapter Prepare(string path, CancellationToken cancellation) => throw Off();

    /// <inheritdoc/>
    public bool Install(int slot, PreparedAdapter adapter) => throw Off();

    /// <inheritdoc/>
    public void Clear(int slot) => throw Off();

    public void Dispose()
    {
    }

    private static EngineException Off() => new("this engine was loaded without adapter slots");
}
