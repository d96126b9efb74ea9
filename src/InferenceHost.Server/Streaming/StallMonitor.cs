using System.Collections.Concurrent;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// Evicts streams whose data the client has not taken for too long. Kestrel waits for a closed flow-control window for ever; one timer for all streams
/// looks at the start of the write each of them is in and at what was written and not taken.
/// </summary>
internal sealed class StallMonitor : IDisposable
{
    private readonly ConcurrentDictionary<ulong, GenerationStream> _streams = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly ITimer _timer;

    public StallMonitor(TimeProvider time, TimeSpan timeout)
    {
        _time = time;
        _timeout = timeout;
        var period = TimeSpan.FromMilliseconds(Math.Clamp(timeout.TotalMilliseconds / 4, 10, 5000));
        _timer = time.CreateTimer(static state => ((StallMonitor)state!).Look(), this, period, period);
    }

    /// <summary>Watches a stream.</summary>
    public void Add(GenerationStream stream) => _streams[stream.Id] = stream;

    /// <summary>Forgets a stream; false where it was forgotten before, so that an end is counted once.</summary>
    public bool TryRemove(GenerationStream stream) => _streams.TryRemove(stream.Id, out _);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        foreach (var (_, stream) in _streams)
        {
            if (IsStalled(stream))
                stream.Evict?.Invoke();
        }
    }

    // A reader that opens its window, however slowly, makes progress.
    private bool IsStalled(GenerationStream stream)
    {
        var since = stream.WriteStarted;
        if (since == 0)
        {
            since = stream.UnreadSince;
            if (since == 0)
                return false;
            if (stream.Window!.IsTaken)
            {
                stream.UnreadSince = 0;
                return false;
            }
        }
        if (stream.Window is { } window)
            since = Math.Max(since, window.LastOpened);
        return _time.GetElapsedTime(since) > _timeout;
    }
}
