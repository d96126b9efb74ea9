using InferenceHost.Server.Errors;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Adapters;

/// <summary>
/// Which generations one engine process knows. Loading and dropping of one generation follow each other in the order they were asked for; different
/// generations do not wait for each other.
/// </summary>
internal sealed class AdapterRegistrations(Func<Wire.ToWorker, CancellationToken, Task<Wire.FromWorker>> call)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _uses;

    /// <summary>Generations the process knows, latest use first.</summary>
    public IReadOnlyList<string> Known
    {
        get
        {
            lock (_gate)
                return [.. _entries.Where(e => e.Value.Loaded is { IsCompletedSuccessfully: true }).OrderByDescending(e => e.Value.LastUse).Select(e => e.Key)];
        }
    }

    /// <summary>Generations that are known, on their way in or on their way out.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
        }
    }

    /// <summary>Completes when the process knows a generation; at once where it does already.</summary>
    /// <exception cref="RefusalException">It refused the file, or ended.</exception>
    public Task EnsureAsync(AdapterGeneration generation, bool install)
    {
        lock (_gate)
        {
            var entry = EntryOf(generation.Sha256);
            entry.LastUse = ++_uses;
            // A failure is tried again: the file may be there now, the memory free.
            if (entry.Loaded is { IsFaulted: false, IsCanceled: false } loaded && !install)
                return loaded;
            var task = AfterAsync(entry.Tail, new Wire.ToWorker
            {
                LoadAdapter = new Wire.LoadAdapter { Generation = generation.Sha256, Path = generation.Path, Install = install },
            });
            entry.Tail = task;
            entry.Loaded = task;
            return task;
        }
    }

    /// <summary>Makes the process forget a generation; completes when the sequences that use it have ended there.</summary>
    public Task DropAsync(string sha256)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(sha256, out var entry) || entry.Loaded is null)
                return Task.CompletedTask;
            entry.Loaded = null;
            entry.Tail = AfterAsync(entry.Tail, new Wire.ToWorker { DropAdapter = new Wire.DropAdapter { Generation = sha256 } });
            return ForgetAsync(sha256, entry, entry.Tail);
        }
    }

    // Every upload is a generation of its own: what is dropped must leave nothing, unless it was asked for again meanwhile.
    private async Task ForgetAsync(string sha256, Entry entry, Task drop)
    {
        await drop;
        lock (_gate)
        {
            if (entry.Tail == drop)
                _entries.Remove(sha256);
        }
    }

    private async Task AfterAsync(Task before, Wire.ToWorker message)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await call(message, CancellationToken.None);
    }

    private Entry EntryOf(string sha256)
    {
        if (!_entries.TryGetValue(sha256, out var entry))
            _entries.Add(sha256, entry = new Entry());
        return entry;
    }

    private sealed class Entry
    {
        public Task Tail { get; set; } = Task.CompletedTask;

        public Task? Loaded { get; set; }

        public long LastUse { get; set; }
    }
}
