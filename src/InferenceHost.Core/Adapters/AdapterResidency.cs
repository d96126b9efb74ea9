using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Adapters;

/// <summary>
/// Moves adapters between disk, host memory and slots, each tier least recently used first. Files are read off the engine thread, a slot is written
/// between two steps, and a slot in use is never taken. Owned by the engine thread.
/// </summary>
internal sealed class AdapterResidency(IEngine engine, long memoryBudgetBytes, Action<Action> runOffThread, Action<Action> post)
{
    private readonly Dictionary<string, AdapterEntry> _entries = new(StringComparer.Ordinal);
    private readonly AdapterEntry?[] _slots = new AdapterEntry?[engine.Capabilities.AdapterSlots + 1];
    private long _clock;
    private long _memoryBytes;

    /// <summary>Told when an adapter cannot be read; its users must end.</summary>
    public Action<AdapterEntry>? Failed { get; set; }

    /// <summary>Copies into a slot so far.</summary>
    public long Loads { get; private set; }

    /// <summary>Adapters that left their slot for another.</summary>
    public long Evictions { get; private set; }

    public int SlotsUsed => _slots.Count(s => s is not null);

    public IEnumerable<AdapterEntry> Entries => _entries.Values;

    public bool TryGet(string generation, out AdapterEntry entry)
    {
        var found = _entries.TryGetValue(generation, out var value) && !value.IsDropped;
        entry = value!;
        return found;
    }

    /// <summary>Makes a generation known; <paramref name="ready"/> is told when it is in host memory (null) or why it cannot be.</summary>
    public void Register(string generation, string path, bool install, Action<string?> ready)
    {
        if (!_entries.TryGetValue(generation, out var entry)) _entries.Add(generation, entry = new AdapterEntry(generation, path));
        entry.IsDropped = false;
        entry.Failure = null;
        entry.Ready.Add(failure =>
        {
            if (failure is null && install) TryInstall(entry);
            ready(failure);
        });
        if (entry.Prepared is not null) TellReady(entry);
        else Prefetch(entry);
    }

    /// <summary>Forgets a generation as soon as nobody uses it.</summary>
    public void Drop(string generation, Action gone)
    {
        if (!_entries.TryGetValue(generation, out var entry))
        {
            gone();
            return;
        }
        entry.IsDropped = true;
        entry.Gone.Add(gone);
        RemoveIfUnused(entry);
    }

    /// <summary>A sequence entered that will need the adapter.</summary>
    public void AddUser(AdapterEntry entry)
    {
        entry.Users++;
        if (entry.Prepared is null) Prefetch(entry);
    }

    /// <summary>A sequence that needed the adapter has ended.</summary>
    public void RemoveUser(AdapterEntry entry)
    {
        entry.Users--;
        RemoveIfUnused(entry);
    }

    /// <summary>Pins the adapter's slot, filling one if need be. False where it is not in host memory yet or every slot is in use: the caller waits.</summary>
    public bool TryPin(AdapterEntry entry)
    {
        if (entry.Slot == 0 && !TryInstall(entry)) return false;
        entry.Pins++;
        entry.LastUse = ++_clock;
        return true;
    }

    /// <summary>Whether <see cref="TryPin"/> would succeed now; starts reading the file where it is only on disk.</summary>
    public bool IsPinnable(AdapterEntry entry)
    {
        if (entry.Slot != 0) return true;
        if (entry.Prepared is not null) return TryFindSlot(out _);
        Prefetch(entry);
        return false;
    }

    public void Unpin(AdapterEntry entry) => entry.Pins--;

    /// <summary>Drops everything; for the end of the loop.</summary>
    public void Clear()
    {
        foreach (var entry in _entries.Values) entry.Prepared?.Dispose();
        _entries.Clear();
        Array.Clear(_slots);
    }

    private bool TryInstall(AdapterEntry entry)
    {
        if (entry.Slot != 0) return true;
        if (entry.Prepared is null)
        {
            Prefetch(entry);
            return false;
        }
        if (!TryFindSlot(out var slot)) return false;
        if (_slots[slot] is { } previous)
        {
            previous.Slot = 0;
            Evictions++;
        }
        engine.InstallAdapter(slot, entry.Prepared);
        _slots[slot] = entry;
        entry.Slot = slot;
        entry.LastUse = ++_clock;
        Loads++;
        TrimMemory();
        return true;
    }

    private bool TryFindSlot(out int slot)
    {
        slot = 0;
        for (var i = 1; i < _slots.Length; i++)
        {
            if (_slots[i] is not { } held)
            {
                slot = i;
                return true;
            }
            if (held.Pins == 0 && (slot == 0 || held.LastUse < _slots[slot]!.LastUse)) slot = i;
        }
        return slot != 0;
    }

    private void Prefetch(AdapterEntry entry)
    {
        if (entry.IsPreparing || entry.Failure is not null) return;
        entry.IsPreparing = true;
        var path = entry.Path;
        runOffThread(() =>
        {
            PreparedAdapter? prepared = null;
            string? failure = null;
            try
            {
                prepared = engine.PrepareAdapter(path, CancellationToken.None);
            }
            catch (Exception e) when (e is EngineException or IOException or UnauthorizedAccessException)
            {
                failure = e.Message;
            }
            post(() => Arrive(entry, prepared, failure));
        });
    }

    private void Arrive(AdapterEntry entry, PreparedAdapter? prepared, string? failure)
    {
        entry.IsPreparing = false;
        entry.Failure = failure;
        if (prepared is not null)
        {
            entry.Prepared = prepared;
            entry.LastUse = ++_clock;
            _memoryBytes += prepared.Bytes;
            TrimMemory();
        }
        TellReady(entry);
        if (failure is not null)
        {
            entry.IsDropped = true;
            Failed?.Invoke(entry);
        }
        RemoveIfUnused(entry);
    }

    private static void TellReady(AdapterEntry entry)
    {
        foreach (var ready in entry.Ready) ready(entry.Failure);
        entry.Ready.Clear();
    }

    private void TrimMemory()
    {
        while (_memoryBytes > memoryBudgetBytes)
        {
            AdapterEntry? oldest = null;
            foreach (var entry in _entries.Values)
                if (entry is { Prepared: not null, Slot: 0, Users: 0 } && (oldest is null || entry.LastUse < oldest.LastUse)) oldest = entry;
            if (oldest is null) return;
            Release(oldest);
        }
    }

    private void RemoveIfUnused(AdapterEntry entry)
    {
        if (!entry.IsDropped || entry.Users > 0 || entry.IsPreparing) return;
        if (entry.Slot != 0)
        {
            engine.ClearAdapter(entry.Slot);
            _slots[entry.Slot] = null;
            entry.Slot = 0;
        }
        Release(entry);
        _entries.Remove(entry.Generation);
        foreach (var gone in entry.Gone) gone();
        entry.Gone.Clear();
    }

    private void Release(AdapterEntry entry)
    {
        if (entry.Prepared is null) return;
        _memoryBytes -= entry.Prepared.Bytes;
        entry.Prepared.Dispose();
        entry.Prepared = null;
    }
}
