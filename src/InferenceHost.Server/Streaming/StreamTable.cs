using System.Collections.Concurrent;
using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Streaming;

/// <summary>The streams of one engine process. Calls add and remove, the reading thread appends and signals.</summary>
internal sealed class StreamTable
{
    private readonly ConcurrentDictionary<ulong, GenerationStream> _streams = new();
    // Streams with something new since the last signal; reading thread only.
    private readonly List<GenerationStream> _ready = [];
    private volatile bool _closed;
    private volatile TaskCompletionSource? _empty;

    /// <summary>Streams that run.</summary>
    public ICollection<GenerationStream> Running => _streams.Values;

    /// <summary>Adds a stream; false after <see cref="FailAll"/>.</summary>
    public bool TryAdd(GenerationStream stream)
    {
        _streams[stream.Id] = stream;
        // After the insertion: FailAll sets the flag first and walks the table then, so one of both sees this stream.
        if (!_closed)
            return true;
        _streams.TryRemove(stream.Id, out _);
        return false;
    }

    /// <summary>Forgets a stream.</summary>
    public void Remove(ulong id)
    {
        _streams.TryRemove(id, out _);
        if (_empty is { } waiting && _streams.IsEmpty)
            waiting.TrySetResult();
    }

    /// <summary>Completes when no stream runs any more. Meant for a drain, after which no stream is added.</summary>
    public Task WhenEmpty()
    {
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting = Interlocked.CompareExchange(ref _empty, waiting, null) ?? waiting;
        if (_streams.IsEmpty)
            waiting.TrySetResult();
        return waiting.Task;
    }

    /// <summary>The stream of an id, or null.</summary>
    public GenerationStream? Find(ulong id) => _streams.GetValueOrDefault(id);

    /// <summary>Appends a delta to its stream; what belongs to no stream any more is dropped. Reading thread only.</summary>
    public void Append(in DeltaView delta)
    {
        if (!_streams.TryGetValue(delta.SequenceId, out var stream))
            return;
        if (stream.Append(delta))
            _ready.Add(stream);
        else if (stream.Evict is { } evict)
            ThreadPool.UnsafeQueueUserWorkItem(static evict => evict(), evict, preferLocal: false);
    }

    /// <summary>Wakes the streams that got something since the last call. Reading thread only.</summary>
    public void SignalReady()
    {
        foreach (var stream in _ready)
            stream.Signal();
        _ready.Clear();
    }

    /// <summary>Ends every stream, now and from now on.</summary>
    public void FailAll(Refusal refusal)
    {
        _closed = true;
        foreach (var stream in _streams.Values)
            stream.Fail(refusal);
    }
}
