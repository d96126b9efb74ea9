namespace InferenceHost.Core.Execution;

/// <summary>An adapter in host memory, ready to be copied into a slot. Owned by whoever asked for it.</summary>
public abstract class PreparedAdapter : IDisposable
{
    /// <summary>Host memory held, bytes.</summary>
    public abstract long Bytes { get; }

    /// <summary>Highest rank of its modules.</summary>
    public abstract int Rank { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the memory.</summary>
    protected abstract void Dispose(bool disposing);
}
