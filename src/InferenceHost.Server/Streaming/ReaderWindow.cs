namespace InferenceHost.Server.Streaming;

/// <summary>How much of a stream its reader has allowed to be sent, and how much was written: what lies between is data that nobody reads.</summary>
internal sealed class ReaderWindow(ConnectionWindows connection, int streamId) : IDisposable
{
    private long _written;
    private TaskCompletionSource? _opened;

    /// <summary>HTTP/2 stream.</summary>
    public int StreamId { get; } = streamId;

    /// <summary>Bytes allowed by WINDOW_UPDATE frames, without the initial window. Guarded by the connection.</summary>
    public long Updates { get; set; }

    /// <summary>Bytes written to the response.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Timestamp of the last time the reader opened a window of this stream or of the connection.</summary>
    public long LastOpened => connection.LastOpened(this);

    /// <summary>Whether the call ended with everything sent; otherwise Kestrel drops what it still held.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Whether everything that was written may be sent.</summary>
    public bool IsTaken => connection.Admits(this);

    /// <summary>Counts a message.</summary>
    public void Wrote(int bytes)
    {
        Volatile.Write(ref _written, _written + bytes);
        connection.Wrote(bytes);
    }

    /// <summary>Completes when everything that was written may be sent.</summary>
    public Task WhenTaken(CancellationToken cancellation)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _opened, opened);
        Look();
        return opened.Task.WaitAsync(cancellation);
    }

    /// <summary>Looks whether it is so; called where a window opened.</summary>
    public void Look()
    {
        if (Volatile.Read(ref _opened) is { } opened && IsTaken)
            opened.TrySetResult();
    }

    /// <inheritdoc/>
    public void Dispose() => connection.Close(this);
}
