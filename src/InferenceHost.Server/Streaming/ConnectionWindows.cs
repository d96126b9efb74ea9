using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// The flow-control windows of one HTTP/2 connection as its client opens them (RFC 9113, 5.2). Kestrel keeps the first 4 KiB that a client does not take
/// and reports them as written, so a reader that never opens its window could not be told from a good one by the time a write takes.
/// </summary>
internal sealed class ConnectionWindows(TimeProvider time)
{
    // RFC 9113, 6.9.2.
    private const long DefaultWindow = 65_535;
    // Windows opened for streams that no call of ours watches; old ones are of streams that have ended.
    private const int MaxUnowned = 256;
    // More than Kestrel ever keeps of a stream's small messages.
    private const long MaxHeldBytes = 16 * 1024;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ReaderWindow> _streams = [];
    private readonly SortedDictionary<int, long> _unowned = [];
    private readonly Dictionary<int, long> _lastOpened = [];
    private long _initialWindow = DefaultWindow;
    private long _connectionWindow = DefaultWindow;
    private long _connectionLastOpened;
    private long _connectionWritten;

    /// <summary>The window of a call's stream; null where the call does not come over a watched connection.</summary>
    public static ReaderWindow? Of(HttpContext http)
    {
        var items = http.Features.Get<IConnectionItemsFeature>()?.Items;
        return items is not null && items.TryGetValue(typeof(ConnectionWindows), out var windows) && http.Features.Get<IHttp2StreamIdFeature>() is { } id
            ? ((ConnectionWindows)windows!).Open(id.StreamId)
            : null;
    }

    /// <summary>The client's SETTINGS_INITIAL_WINDOW_SIZE; holds for streams that run, too.</summary>
    public void SetInitialWindow(long bytes)
    {
        lock (_gate)
            _initialWindow = bytes;
        LookAll();
    }

    /// <summary>A WINDOW_UPDATE frame.</summary>
    public void Opened(int streamId, long bytes)
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            if (streamId == 0)
            {
                _connectionWindow += bytes;
                _connectionLastOpened = now;
            }
            else if (_streams.TryGetValue(streamId, out var stream))
            {
                stream.Updates += bytes;
                _lastOpened[streamId] = now;
            }
            else
            {
                _unowned[streamId] = _unowned.GetValueOrDefault(streamId) + bytes;
                if (_unowned.Count > MaxUnowned)
                    _unowned.Remove(_unowned.First().Key);
            }
        }
        LookAll();
    }

    /// <summary>Whether all that a stream wrote may be sent.</summary>
    public bool Admits(ReaderWindow stream)
    {
        lock (_gate)
            return stream.Written <= _initialWindow + stream.Updates && _connectionWritten <= _connectionWindow;
    }

    /// <summary>Timestamp of the last time a window that the stream needs was opened; 0 = never.</summary>
    public long LastOpened(ReaderWindow stream)
    {
        lock (_gate)
            return Math.Max(_connectionLastOpened, _lastOpened.GetValueOrDefault(stream.StreamId));
    }

    /// <summary>Counts bytes of the connection. Calls that are not watched do not count: a window is never thought smaller than it is.</summary>
    public void Wrote(int bytes)
    {
        lock (_gate)
            _connectionWritten += bytes;
    }

    /// <summary>Forgets a stream that has ended.</summary>
    public void Close(ReaderWindow stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream.StreamId);
            _lastOpened.Remove(stream.StreamId);
            // How much of a call that broke off was sent is not known: rather too little is counted than too much.
            if (!stream.IsComplete)
                _connectionWritten -= Math.Min(stream.Written, Math.Max(stream.Written - _initialWindow - stream.Updates, MaxHeldBytes));
        }
    }

    private ReaderWindow Open(int streamId)
    {
        lock (_gate)
        {
            var stream = new ReaderWindow(this, streamId);
            if (_unowned.Remove(streamId, out var bytes))
                stream.Updates = bytes;
            return _streams[streamId] = stream;
        }
    }

    private void LookAll()
    {
        ReaderWindow[] streams;
        lock (_gate)
            streams = [.. _streams.Values];
        foreach (var stream in streams)
            stream.Look();
    }
}
