using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Gives sequences their place in the engine (sequence number, cells, adapter slot) and takes it back: the only code that opens, shares, restores, retains
/// and closes sequences in ledger and engine, so that the two always agree.
/// </summary>
internal sealed class PlaceKeeper(IEngine engine, KvLedger ledger, AdapterResidency adapters, SwapStore swap, SchedulerOptions options)
{
    private readonly bool _sharing = options.PrefixCache && engine.Capabilities.CanSharePrefix;
    private readonly ParkedSequences _parked = new(engine, ledger, swap);

    public long PrefixHitTokens { get; private set; }

    public void ResetCounters() => PrefixHitTokens = 0;

    public void BeginStep() => swap.BeginStep();

    /// <summary>Cells that could be free if the whole prefix cache were dropped.</summary>
    public int ReclaimableCells => ledger.Free + (ledger.RetainedCount == 0 ? 0 : ledger.CountCachedCells());

    /// <summary>Evicts from the prefix cache until <paramref name="cells"/> are free; false where that is not enough.</summary>
    public bool TryMakeRoom(int cells)
    {
        while (ledger.Free < cells)
            if (!TryEvict()) return false;
        return true;
    }

    /// <summary>Opens a place; false where its adapter is not in a slot yet, or its saved state has to wait for the next step.</summary>
    public bool TryOpen(Sequence sequence)
    {
        if ((sequence.Saved is not null && !swap.MayRestore) || !TryPinAdapter(sequence)) return false;
        var slot = FindNumber(sequence);
        sequence.Slot = slot;
        sequence.Computed = TryRestore(sequence, slot) ? sequence.Saved!.Tokens : OpenComputed(sequence, slot);
        Forget(sequence);
        sequence.PrefillAtActivation = sequence.Needed;
        sequence.GeneratedAtActivation = sequence.Generated;
        if (sequence.FirstScheduledAt is null) sequence.CachedPromptTokens = sequence.Computed;
        sequence.IsRunning = true;
        return true;
    }

    /// <summary>Takes the place of a sequence that has ended; with <paramref name="retain"/> its cells stay in the prefix cache where they are worth it.</summary>
    public void Close(Sequence sequence, bool retain)
    {
        Leave(sequence);
        if (!retain || !TryRetain(sequence.Slot)) CloseSlot(sequence.Slot);
        else KeepToBudget();
    }

    /// <summary>
    /// Takes the place of a sequence that goes on later. Its cells stay in the prefix cache, and are saved when they are evicted from there; without a
    /// prefix cache (recurrent and hybrid memory has none) they are saved now. Not <paramref name="intact"/>: nothing of them can be used.
    /// </summary>
    public void Suspend(Sequence sequence, bool intact)
    {
        Leave(sequence);
        if (intact && TryRetain(sequence.Slot))
        {
            _parked.Park(sequence, sequence.Slot);
            KeepToBudget();
            return;
        }
        if (intact && !_sharing) _parked.Save(sequence, sequence.Slot);
        CloseSlot(sequence.Slot);
    }

    /// <summary>Frees what is kept for a waiting sequence; cells that the prefix cache has stay there.</summary>
    public void Forget(Sequence sequence) => _parked.Forget(sequence);

    /// <summary>Drops the whole prefix cache, waiting sequences' cells with it: after a failed step nobody knows what they hold.</summary>
    public void DropCache()
    {
        _parked.UnparkAll();
        while (TryEvict()) ;
    }

    /// <summary>For tests: throws where what is kept for waiting sequences contradicts ledger or engine.</summary>
    public void CheckInvariants() => _parked.CheckInvariants();

    private EngineSequence FindNumber(Sequence sequence)
    {
        if (ledger.TryFindFree(out var slot)) return slot;
        // The match becomes the last to be evicted: it is about to be shared.
        if (_sharing) ledger.TryMatch(sequence.PrefixKey, sequence.Tokens[..^1], out _, out _);
        while (!ledger.TryFindFree(out slot))
            if (!TryEvict()) throw new InvalidOperationException("no sequence number is free although fewer run than there are numbers");
        return slot;
    }

    private bool TryRestore(Sequence sequence, EngineSequence slot)
    {
        if (sequence.Saved is not { } saved) return false;
        var matched = 0;
        if (_sharing) ledger.TryMatch(sequence.PrefixKey, sequence.Tokens[..^1], out _, out matched);
        if (!swap.PaysToRestore(saved, matched) || saved.Tokens > ReclaimableCells || !TryMakeRoom(saved.Tokens) || !swap.TryRestore(saved, slot)) return false;
        ledger.Open(slot, sequence.PrefixKey, sequence.PromptTokens + sequence.MaxNewTokens);
        if (!ledger.TryReserve(saved.Tokens, out var reservation)) throw new InvalidOperationException($"{saved.Tokens} cells were free for {slot} and are not");
        using (reservation) reservation.Commit(slot, sequence.Tokens[..saved.Tokens]);
        return true;
    }

    /// <summary>Opens a place with what the prefix cache has of its tokens, and returns how many that are.</summary>
    private int OpenComputed(Sequence sequence, EngineSequence slot)
    {
        var capacity = sequence.PromptTokens + sequence.MaxNewTokens;
        if (!_sharing || !ledger.TryMatch(sequence.PrefixKey, sequence.Tokens[..^1], out var source, out var matched))
        {
            ledger.Open(slot, sequence.PrefixKey, capacity);
            return 0;
        }
        ledger.OpenShared(slot, source, matched, capacity);
        engine.SharePrefix(source, slot, matched);
        PrefixHitTokens += matched;
        return matched;
    }

    private void Leave(Sequence sequence)
    {
        sequence.IsRunning = false;
        if (sequence.Adapter is { } adapter) adapters.Unpin(adapter);
        sequence.Computed = 0;
    }

    private bool TryRetain(EngineSequence slot)
    {
        if (!_sharing || !ledger.TryRetain(slot)) return false;
        while (ledger.TryFindRedundant(slot, out var redundant)) CloseSlot(redundant);
        return true;
    }

    private void KeepToBudget()
    {
        if (options.PrefixCacheTokens is not { } budget) return;
        while (ledger.RetainedCount > 0 && ledger.CountCachedCells() > budget && TryEvict()) ;
    }

    private bool TryPinAdapter(Sequence sequence)
    {
        sequence.AdapterSlot = 0;
        if (sequence.Adapter is not { } adapter) return true;
        if (!adapters.TryPin(adapter)) return false;
        sequence.AdapterSlot = adapter.Slot;
        return true;
    }

    private bool TryEvict()
    {
        if (!ledger.TryFindLeastRecentlyUsed(out var oldest)) return false;
        _parked.Evicting(oldest);
        CloseSlot(oldest);
        return true;
    }

    private void CloseSlot(EngineSequence slot)
    {
        _parked.Unpark(slot);
        ledger.Close(slot);
        engine.Clear(slot);
    }
}
