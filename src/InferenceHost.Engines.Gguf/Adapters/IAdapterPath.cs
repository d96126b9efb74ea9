using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>A way for adapters to reach the rows of a batch. All members but <see cref="Prepare"/> belong to the engine's thread.</summary>
internal interface IAdapterPath : IDisposable
{
    AdapterMode Mode { get; }

    /// <summary>Whether the slots and scales of a batch can be served in one call.</summary>
    bool Accepts(StepBatch batch);

    /// <summary>Sets the rows of the next call.</summary>
    void BeforeStep(StepBatch batch);

    /// <summary>Null, or what went wrong in the call: its results are not to be used.</summary>
    string? AfterStep();

    PreparedAdapter Prepare(string path, CancellationToken cancellation);

    /// <summary>As <see cref="IEngine.InstallAdapter"/>.</summary>
    bool Install(int slot, PreparedAdapter adapter);

    void Clear(int slot);
}
