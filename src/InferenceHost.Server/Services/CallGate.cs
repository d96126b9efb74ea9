using InferenceHost.Server.Errors;

namespace InferenceHost.Server.Services;

/// <summary>Counts calls that run, and lets no new one in once the server drains.</summary>
internal sealed class CallGate
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private volatile bool _draining;

    /// <summary>Calls that run now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Whether new calls are refused.</summary>
    public bool IsDraining => _draining;

    /// <summary>Lets a call in; <see cref="Exit"/> follows.</summary>
    /// <exception cref="RefusalException">The server drains.</exception>
    public void Enter()
    {
        // Counted before the look at the flag, so that BeginDrain cannot miss a call that got in.
        Interlocked.Increment(ref _running);
        if (!_draining)
            return;
        Exit();
        throw new RefusalException(Refusal.Draining);
    }

    /// <summary>A call has ended.</summary>
    public void Exit()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _draining)
            _idle.TrySetResult();
    }

    /// <summary>Refuses new calls from now on.</summary>
    /// <returns>Completes when the calls that run have ended.</returns>
    public Task BeginDrain()
    {
        _draining = true;
        if (Running == 0)
            _idle.TrySetResult();
        return _idle.Task;
    }
}
