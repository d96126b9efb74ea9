using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Gives sequences their place in the engine (sequence number, cells, adapter slot) and takes it back: the only code that opens, shares, retains and
/// closes sequences in ledger and engine, so that the two always agree.
/// </summary>
internal sealed class PlaceKeeper(IEngine engine, KvLedger ledger, AdapterResidency adapters, SchedulerOptions options)
{
    private readonly bool _sharing = options.PrefixCache && engine.Capabilities.CanSharePrefix;

    public long PrefixHitTokens { get; private set; }

    public void ResetCounters() => PrefixHitTokens = 0;

    /// <summary>Cells that could be free if the whole prefix cache were dropped.</summary>
    public int ReclaimableCells => ledger.Free + (ledger.RetainedCount == 0 ? 0 : ledger.CountCachedCells());

    /// <summary>Evicts from the prefix cache until <paramref name="cells"/> are free; false where that is not enough.</summary>
    public bool TryMakeRoom(int cells)
    {
        while (ledger.Free < cells)
            if (!TryEvict()) return false;
        return true;
    }

    /// <summary>Opens a place; false where its adapter is not in a slot yet.</summary>
    public bool TryOpen(Sequence sequence)
    {
        if (!TryPinAdapter(sequence)) return false;
        EngineSequence slot;
        while (!ledger.TryFindFree(out slot))
            if (!TryEvict()) throw new InvalidOperationException("no sequence number is free although fewer run than there are numbers");
        var matched = 0;
        if (_sharing && ledger.TryMatch(sequence.PrefixKey, sequence.Tokens[..^1], out var source, out matched))
        {
            ledger.OpenShared(slot, source, matched, sequence.PromptTokens + sequence.MaxNewTokens);
            engine.SharePrefix(source, slot, matched);
            PrefixHitTokens += matched;
        }
        else
        {
            ledger.Open(slot, sequence.PrefixKey, sequence.PromptTokens + sequence.MaxNewTokens);
        }
        sequence.Slot = slot;
        sequence.Computed = matched;
        sequence.PrefillAtActivation = sequence.Needed;
        sequence.GeneratedAtActivation = sequence.Generated;
        if (sequence.FirstScheduledAt is null) sequence.CachedPromptTokens = matched;
        sequence.IsRunning = true;
        return true;
    }

    /// <summary>Takes the place back; with <paramref name="retain"/> its cells stay in the prefix cache where they are worth it.</summary>
    public void Close(Sequence sequence, bool retain)
    {
        sequence.IsRunning = false;
        if (sequence.Adapter is { } adapter) adapters.Unpin(adapter);
        sequence.Computed = 0;
        if (!retain || !_sharing || !ledger.TryRetain(sequence.Slot))
        {
            CloseSlot(sequence.Slot);
            return;
        }
        while (ledger.TryFindRedundant(sequence.Slot, out var redundant)) CloseSlot(redundant);
        if (options.PrefixCacheTokens is { } budget)
            while (ledger.RetainedCount > 0 && ledger.CountCachedCells() > budget && TryEvict()) ;
    }

    /// <summary>Drops the whole prefix cache.</summary>
    public void DropCache()
    {
        while (TryEvict()) ;
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
        CloseSlot(oldest);
        return true;
    }

    private void CloseSlot(EngineSequence slot)
    {
        ledger.Close(slot);
        engine.Clear(slot);
    }
}
