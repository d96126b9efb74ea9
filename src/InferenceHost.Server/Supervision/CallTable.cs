using System.Collections.Concurrent;
using InferenceHost.Server.Errors;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>Unary calls to the engine process that wait for their answer. Ids come from <see cref="Ids"/>, as those of streams do, so that they never collide.</summary>
internal sealed class CallTable
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<Wire.FromWorker>> _waiting = new();
    private volatile Refusal? _closed;

    /// <summary>Registers a call.</summary>
    /// <exception cref="RefusalException">The connection has ended.</exception>
    public Task<Wire.FromWorker> Add(out ulong id)
    {
        id = Ids.Next();
        var source = new TaskCompletionSource<Wire.FromWorker>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = source;
        // After the insertion: FailAll sets the flag first and empties the table then, so one of both sees this call.
        if (_closed is { } refusal)
        {
            _waiting.TryRemove(id, out _);
            throw new RefusalException(refusal);
        }
        return source.Task;
    }

    /// <summary>Hands an answer to its call; one nobody waits for any more is dropped.</summary>
    public void Complete(Wire.FromWorker answer)
    {
        if (_waiting.TryRemove(answer.CallId, out var source))
            source.TrySetResult(answer);
    }

    /// <summary>Forgets a call.</summary>
    public void Remove(ulong id) => _waiting.TryRemove(id, out _);

    /// <summary>Ends every call, now and from now on.</summary>
    public void FailAll(Refusal refusal)
    {
        _closed = refusal;
        foreach (var id in _waiting.Keys)
        {
            if (_waiting.TryRemove(id, out var source))
                source.TrySetException(new RefusalException(refusal));
        }
    }
}
