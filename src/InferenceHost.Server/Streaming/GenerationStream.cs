using System.Threading.Tasks.Sources;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Errors;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// The bounded queue between the thread that reads the engine's socket (one producer) and the call that writes to its client (one consumer).
/// Waiting and waking allocate nothing, and the consumer goes on inside <see cref="Signal"/>, on the producer's thread: a token needs no
/// thread-pool hop to reach the response.
/// </summary>
internal sealed class GenerationStream : IValueTaskSource
{
    /// <summary>Bytes that may wait for one reader before its stream is given up.</summary>
    public const int MaxPendingBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly SampleBuffer[] _samples;
    private ManualResetValueTaskSourceCore<bool> _wake;
    private Refusal? _failure;
    private bool _waiting;
    private int _next;
    private int _unfinished;
    private int _promptTokens;
    private int _cachedPromptTokens;
    private long _writeStarted;
    private long _unreadSince;

    /// <summary>A stream of a number of samples under an id that is never reused.</summary>
    public GenerationStream(ulong id, int samples)
    {
        Id = id;
        _unfinished = samples;
        _samples = new SampleBuffer[samples];
        for (var i = 0; i < samples; i++)
            _samples[i] = new SampleBuffer(i);
    }

    /// <summary>Sequence id in the frames.</summary>
    public ulong Id { get; }

    /// <summary>Timestamp (<see cref="TimeProvider.GetTimestamp"/>) at which the write in progress began; 0 while none is. Set by the consumer, read by the stall monitor.</summary>
    public long WriteStarted
    {
        get => Volatile.Read(ref _writeStarted);
        set => Volatile.Write(ref _writeStarted, value);
    }

    /// <summary>Timestamp since which written data waits for its reader; 0 while none does. Set by the consumer and the stall monitor.</summary>
    public long UnreadSince
    {
        get => Volatile.Read(ref _unreadSince);
        set => Volatile.Write(ref _unreadSince, value);
    }

    /// <summary>What the reader allows to be sent; null where that cannot be seen. Set once by its call.</summary>
    public ReaderWindow? Window { get; set; }

    /// <summary>What this stream does when its reader has stopped reading; set once by its call. May be called more than once.</summary>
    public Action? Evict { get; set; }

    /// <summary>Whether the engine process is done with every sample (or gone), so that nothing has to be cancelled there.</summary>
    public bool EngineDone => Volatile.Read(ref _unfinished) == 0;

    /// <summary>Adds a delta. Producer only.</summary>
    /// <returns>False where the queue is full: the stream is to be evicted.</returns>
    public bool Append(in DeltaView delta)
    {
        lock (_gate)
        {
            if (_failure is not null || (uint)delta.Index >= (uint)_samples.Length || _samples[delta.Index].Finished)
                return true;
            if (delta.PromptTokens > 0)
                (_promptTokens, _cachedPromptTokens) = (delta.PromptTokens, delta.CachedPromptTokens);
            if (delta.Finish?.Failure is { } failure)
            {
                EndLocked(StatusMapper.FromFailure(failure));
                return true;
            }
            var sample = _samples[delta.Index];
            sample.Append(delta);
            if (sample.Finished)
                _unfinished--;
            if (sample.PendingBytes <= MaxPendingBytes)
                return true;
            EndLocked(Refusal.Stalled);
            return false;
        }
    }

    /// <summary>Wakes the consumer if it waits; it runs inside this call.</summary>
    public void Signal()
    {
        lock (_gate)
        {
            if (!_waiting || !HasPendingLocked())
                return;
            _waiting = false;
        }
        _wake.SetResult(true);
    }

    /// <summary>Ends the stream with a refusal once what waits has been taken, and wakes the consumer. Only the first end counts.</summary>
    public void Fail(Refusal refusal)
    {
        lock (_gate)
        {
            if (_failure is not null || _unfinished == 0)
                return;
            EndLocked(refusal);
        }
        Signal();
    }

    /// <summary>Ends every sample that still runs as cancelled, with the usage so far; for a drain whose time is up.</summary>
    public void FinishCancelled()
    {
        lock (_gate)
        {
            if (_failure is not null)
                return;
            foreach (var sample in _samples)
            {
                if (sample.Finished)
                    continue;
                sample.Finish(new Wire.Finish
                {
                    Reason = (int)FinishReason.Cancelled,
                    PromptTokens = _promptTokens,
                    CachedPromptTokens = _cachedPromptTokens,
                    CompletionTokens = sample.CompletionTokens,
                });
            }
            _unfinished = 0;
        }
        Signal();
    }

    /// <summary>Completes when there is something to take. Consumer only, one wait at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (HasPendingLocked())
                return default;
            _wake.Reset();
            _waiting = true;
            return new ValueTask(this, _wake.Version);
        }
    }

    /// <summary>Moves what one sample has ready into a message. Consumer only.</summary>
    public StreamRead TryTake(GenerateResponse message, out Wire.Finish? finish)
    {
        finish = null;
        lock (_gate)
        {
            // Samples take turns, so that none of them waits for the others.
            for (var i = 0; i < _samples.Length; i++)
            {
                var sample = _samples[(_next + i) % _samples.Length];
                if (!sample.HasPending)
                    continue;
                _next = (sample.Index + 1) % _samples.Length;
                finish = sample.MoveTo(message);
                return StreamRead.Message;
            }
            if (_failure is not null)
                return StreamRead.Failed;
            return _unfinished == 0 ? StreamRead.Ended : StreamRead.Nothing;
        }
    }

    /// <summary>Why the stream failed, with the usage so far; null where it did not.</summary>
    public Refusal? Failure
    {
        get
        {
            lock (_gate)
                return _failure is { Usage: null } failure && UsageLocked() is { } usage ? failure with { Usage = usage } : _failure;
        }
    }

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wake.OnCompleted(continuation, state, token, flags);

    private void EndLocked(Refusal refusal)
    {
        _failure = refusal;
        _unfinished = 0;
    }

    private bool HasPendingLocked()
    {
        if (_unfinished == 0)
            return true;
        foreach (var sample in _samples)
        {
            if (sample.HasPending)
                return true;
        }
        return false;
    }

    // Null where nothing was used yet, except that a dead engine always gets its account.
    private Usage? UsageLocked()
    {
        var usage = new Usage { PromptTokens = _promptTokens, CachedPromptTokens = _cachedPromptTokens };
        foreach (var sample in _samples)
            usage.CompletionTokens += sample.CompletionTokens;
        return usage.PromptTokens + usage.CompletionTokens > 0 || _failure?.Kind == RefusalKind.EngineRestarted ? usage : null;
    }
}
