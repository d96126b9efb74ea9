using InferenceHost.Core.Execution;

namespace InferenceHost.Core.Adapters;

/// <summary>
/// Moves adapters between disk, host memory and slots, each tier least recently used first. Files are read off the engine thread, a slot is written
/// between two steps (a large one in parts, one adapter at a time), and a slot in use is never taken. Owned by the engine thread.
/// </summary>
/// <param name="engine">Whose slots they are.</param>
/// <param name="memoryBudgetBytes">Host memory for adapters that are in no slot.</param>
/// <param name="runOffThread">Runs work elsewhere.</param>
/// <param name="post">Runs work on the engine thread.</param>
internal sealed class AdapterResidency(IEngine engine, long memoryBudgetBytes, Action<Action> runOffThread, Action<Action> post)
{
    // Longer than it takes for a place to come free in most cases; then others may have the slot.
    private const int StepsToAwait = 64;

    private readonly Dictionary<string, AdapterEntry> _entries = new(StringComparer.Ordinal);
    private readonly AdapterEntry?[] _slots = new AdapterEntry?[engine.Capabilities.AdapterSlots + 1];
    private readonly Queue<AdapterEntry> _toInstall = [];
    private AdapterEntry? _copying;
    private AdapterEntry? _heir;
    private bool _hasCopiedPart;
    private long _clock;
    private long _cachedBytes;

    /// <summary>Told when an adapter cannot be read or copied; its users must end.</summary>
    public Action<AdapterEntry>? Failed { get; set; }

    /// <summary>Copies into a slot so far.</summary>
    public long Loads { get; private set; }

    /// <summary>Adapters that left their slot for another.</summary>
    public long Evictions { get; private set; }

    public int SlotsUsed => _slots.Count(s => s is not null);

    public IEnumerable<AdapterEntry> Entries => _entries.Values;

    /// <summary>Number of the step, from 1.</summary>
    public long Step { get; private set; }

    /// <summary>Whether there is something to copy in the next step.</summary>
    public bool HasWork => IsCopying || _toInstall.Count > 0;

    /// <summary>Whether this step has its part of a copy, so that no other can begin.</summary>
    public bool IsCopying => _copying is not null || _hasCopiedPart;

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
            if (failure is null && install) Install(entry, ready);
            else ready(failure);
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

    /// <summary>Copies the next part of an adapter into its slot, where one is under way. Once per step.</summary>
    public void ContinueCopy()
    {
        Step++;
        _hasCopiedPart = _copying is not null;
        if (_copying is { } entry) Copy(entry);
        InstallNext();
    }

    /// <summary>Brings the adapter into a slot. False where it is not in host memory yet, every slot is in use or the copy takes further steps: the caller waits.</summary>
    public bool TryInstall(AdapterEntry entry)
    {
        if (entry.Slot != 0) return !entry.IsCopying;
        if (!IsCopyable(entry) || !TryFindSlot(entry, out var slot)) return false;
        if (_slots[slot] is { } previous)
        {
            LeaveSlot(previous);
            Evictions++;
        }
        _slots[slot] = entry;
        entry.Slot = slot;
        _cachedBytes -= entry.Prepared!.Bytes;
        Copy(entry);
        return entry is { IsCopying: false, Failure: null };
    }

    /// <summary>Pins the adapter's slot, filling one if need be. False where <see cref="TryInstall"/> is.</summary>
    public bool TryPin(AdapterEntry entry)
    {
        if (!TryInstall(entry)) return false;
        entry.AwaitedUntil = 0;
        if (entry.Pins++ == 0) entry.PinnedSince = Step;
        entry.LastUse = ++_clock;
        return true;
    }

    /// <summary>Whether a slot has the adapter or could be filled with it now; starts reading the file where it is only on disk.</summary>
    public bool IsPinnable(AdapterEntry entry) => entry.Slot != 0 ? !entry.IsCopying : IsCopyable(entry) && TryFindSlot(entry, out _);

    /// <summary>Whether a slot could be filled with an adapter that is in none.</summary>
    public bool HasRoom => TryFindSlot(null, out _);

    /// <summary>How many steps an adapter's slot has been in use without a break.</summary>
    public long StepsInUse(AdapterEntry entry) => entry.Pins == 0 ? 0 : Step - entry.PinnedSince;

    /// <summary>The adapter whose slot is kept for another one; null = there is none.</summary>
    public AdapterEntry? Kept { get; private set; }

    /// <summary>Keeps the slot of an adapter, once nobody reads it, for another one; null = for whoever comes.</summary>
    public void KeepSlot(AdapterEntry? entry, AdapterEntry? heir) => (Kept, _heir) = (entry, heir);

    public void Unpin(AdapterEntry entry) => entry.Pins--;

    /// <summary>Drops everything; for the end of the loop.</summary>
    public void Clear()
    {
        foreach (var entry in _entries.Values) entry.Prepared?.Dispose();
        _entries.Clear();
        _toInstall.Clear();
        _copying = Kept = _heir = null;
        Array.Clear(_slots);
    }

    // Starts reading the file where it is only on disk.
    private bool IsCopyable(AdapterEntry entry)
    {
        if (entry.Prepared is null) Prefetch(entry);
        return entry is { Prepared: not null, Failure: null } && !IsCopying;
    }

    private void Copy(AdapterEntry entry)
    {
        var wasCopying = entry.IsCopying;
        try
        {
            entry.IsCopying = !engine.InstallAdapter(entry.Slot, entry.Prepared!);
        }
        catch (EngineException error)
        {
            LeaveSlot(entry);
            entry.Failure = error.Message;
            // Not now: whoever asked for the copy looks at sequences that must end.
            post(() =>
            {
                // It may have been dropped, and made known anew, meanwhile.
                if (_entries.GetValueOrDefault(entry.Generation) != entry) return;
                entry.Failure ??= error.Message;
                Fail(entry);
            });
            return;
        }
        entry.LastUse = ++_clock;
        _copying = entry.IsCopying ? entry : null;
        if (entry.IsCopying) return;
        entry.AwaitedUntil = wasCopying ? Step + StepsToAwait : 0;
        Loads++;
        TrimMemory();
        TellInstalled(entry);
    }

    // On demand of the operator, one after the other; what finds no slot stays in host memory.
    private void Install(AdapterEntry entry, Action<string?> installed)
    {
        entry.Installed.Add(installed);
        _toInstall.Enqueue(entry);
        InstallNext();
    }

    private void InstallNext()
    {
        while (!IsCopying && _toInstall.TryDequeue(out var entry))
        {
            if (!entry.IsDropped) TryInstall(entry);
            if (!entry.IsCopying && entry.Failure is null) TellInstalled(entry);
        }
    }

    private static void TellInstalled(AdapterEntry entry)
    {
        foreach (var installed in entry.Installed) installed(entry.Failure);
        entry.Installed.Clear();
    }

    private bool TryFindSlot(AdapterEntry? asking, out int slot)
    {
        slot = 0;
        for (var i = 1; i < _slots.Length; i++)
        {
            if (_slots[i] is not { } held)
            {
                slot = i;
                return true;
            }
            // Neither one that is half filled nor one that was filled for a sequence that still waits.
            if (held.IsCopying || (held.AwaitedUntil > Step && held.Users > 0) || (held == Kept && asking != _heir)) continue;
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
            entry.WasReady = true;
            entry.LastUse = ++_clock;
            _cachedBytes += prepared.Bytes;
        }
        // Who asked for a slot gets it before memory is counted.
        TellReady(entry);
        TrimMemory();
        if (failure is not null) Fail(entry);
        else RemoveIfUnused(entry);
    }

    private void Fail(AdapterEntry entry)
    {
        TellInstalled(entry);
        // What never could be read is not known; what could once is tried again when it is asked for.
        entry.IsDropped |= !entry.WasReady;
        Failed?.Invoke(entry);
        if (entry.WasReady) entry.Failure = null;
        RemoveIfUnused(entry);
    }

    private static void TellReady(AdapterEntry entry)
    {
        foreach (var ready in entry.Ready) ready(entry.Failure);
        entry.Ready.Clear();
    }

    private void TrimMemory()
    {
        while (_cachedBytes > memoryBudgetBytes)
        {
            AdapterEntry? oldest = null;
            foreach (var entry in _entries.Values)
                if (entry is { Prepared: not null, Slot: 0, Users: 0, Installed.Count: 0 } && (oldest is null || entry.LastUse < oldest.LastUse)) oldest = entry;
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
            LeaveSlot(entry);
        }
        TellInstalled(entry);
        Release(entry);
        if (_entries.GetValueOrDefault(entry.Generation) == entry) _entries.Remove(entry.Generation);
        foreach (var gone in entry.Gone) gone();
        entry.Gone.Clear();
    }

    private void LeaveSlot(AdapterEntry entry)
    {
        _slots[entry.Slot] = null;
        entry.Slot = 0;
        _cachedBytes += entry.Prepared!.Bytes;
        entry.IsCopying = false;
        entry.AwaitedUntil = 0;
        if (_copying == entry) _copying = null;
    }

    private void Release(AdapterEntry entry)
    {
        if (entry.Prepared is null) return;
        _cachedBytes -= entry.Prepared.Bytes;
        entry.Prepared.Dispose();
        entry.Prepared = null;
    }
}
