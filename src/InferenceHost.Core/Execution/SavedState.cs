namespace InferenceHost.Core.Execution;

/// <summary>
/// The KV state of one sequence in host memory, as <see cref="IEngine.TrySave"/> made it. Belongs to whoever asked for it; disposing it gives the memory back at
/// once. Valid only for the engine that made it, which it may outlive.
/// </summary>
public abstract class SavedState : IDisposable
{
    /// <summary>Host memory held, bytes.</summary>
    public abstract long Bytes { get; }

    /// <summary>Positions of the sequence that it holds: 0..Tokens - 1.</summary>
    public abstract int Tokens { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the memory.</summary>
    protected abstract void Dispose(bool disposing);
}
