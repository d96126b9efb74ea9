using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Server.Adapters;

/// <summary>One content of an adapter: immutable, known by its SHA-256. Requests pin it from admission to their end; guarded by its <see cref="AdapterRegistry"/>.</summary>
internal sealed class AdapterGeneration(string sha256, string path, LoraInfo info)
{
    private readonly SortedSet<long> _pins = [];
    private readonly List<(long UpTo, TaskCompletionSource Released)> _waiters = [];
    private long _lastPin;

    /// <summary>SHA-256 of the file, lower-case hexadecimal.</summary>
    public string Sha256 { get; } = sha256;

    /// <summary>The file, in the store.</summary>
    public string Path { get; } = path;

    /// <summary>What the file says.</summary>
    public LoraInfo Info { get; } = info;

    /// <summary>Bytes of the file.</summary>
    public long FileBytes { get; } = new FileInfo(path).Length;

    /// <summary>Names that point to it.</summary>
    public int Names { get; set; }

    /// <summary>Whether its file stays on disk when nothing holds it: a name has pointed to it, and its last one was not removed.</summary>
    public bool IsKept { get; set; }

    /// <summary>Requests that use it.</summary>
    public int Pins => _pins.Count;

    /// <summary>Adds a request.</summary>
    public long Pin()
    {
        _pins.Add(++_lastPin);
        return _lastPin;
    }

    /// <summary>A request has ended.</summary>
    public void Release(long pin)
    {
        _pins.Remove(pin);
        var oldest = _pins.Count > 0 ? _pins.Min : long.MaxValue;
        _waiters.RemoveAll(waiter =>
        {
            var ended = waiter.UpTo < oldest;
            if (ended)
                waiter.Released.TrySetResult();
            return ended;
        });
    }

    /// <summary>Completes when the requests that use it now have ended; later ones do not count.</summary>
    public Task WhenPresentPinsAreReleased()
    {
        if (_pins.Count == 0)
            return Task.CompletedTask;
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiters.Add((_pins.Max, released));
        return released.Task;
    }
}
