using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Sees to it that a sequence whose adapter finds every slot in use gets one, however many come after each other for those that are in use: an adapter that has had its slot for a while
/// takes in no more sequences that are less entitled, those that run give way once they have had their share, and its slot is kept for the one that waits. One slot at a time.
/// Owned by the engine thread.
/// </summary>
internal sealed class SlotTurns(TenantLedger tenants, AdapterResidency adapters, SchedulerOptions options)
{
    private readonly Dictionary<AdapterEntry, Entitlement> _holders = [];
    private Sequence? _waiter;
    private bool _hasSlot;

    /// <summary>The adapter whose sequences have to give way now; null = none has to.</summary>
    public AdapterEntry? Yielding => Holder is { Pins: > 0 } holder && !adapters.IsCopying && Next is null ? holder : null;

    /// <summary>The sequence that gets the slot and could run now; null = there is none.</summary>
    public Sequence? Next =>
        Waiter is { } waiter && tenants.MayTakePlace(waiter.Tenant) && adapters.IsPinnable(waiter.Adapter!) ? waiter : null;

    /// <summary>Whether the slot is being filled: the place that was given up with it is the waiter's.</summary>
    public bool KeepsPlace => Waiter is { Adapter.IsCopying: true };

    // Whose turn it is, as long as it waits.
    private Sequence? Waiter => _waiter is { IsRunning: false, IsFinished: false } waiter ? waiter : null;

    // Whose slot it gets.
    private AdapterEntry? Holder => adapters.Kept;

    /// <summary>Ends a turn that is over and begins one that is due. Before places are given.</summary>
    public void BeginStep(IReadOnlyList<Sequence> running, long now)
    {
        if (_waiter is not null && IsOver(running, now)) End();
        if (_waiter is not null || tenants.Waiting == 0 || adapters.HasRoom) return;
        if (FindWaiter(now) is not { } waiter || FindHolder(waiter, running, now) is not { } holder) return;
        (_waiter, _hasSlot) = (waiter, false);
        adapters.KeepSlot(holder, waiter.Adapter);
    }

    /// <summary>Whether a sequence must not join the adapter it wants, because another one has the turn that is no less entitled.</summary>
    public bool Bars(Sequence sequence, long now) => Holder is { } holder && sequence.Adapter == holder && !Of(sequence, now).Exceeds(Of(_waiter!, now));

    private void End()
    {
        _waiter = null;
        adapters.KeepSlot(null, null);
    }

    private bool IsOver(IReadOnlyList<Sequence> running, long now)
    {
        if (Waiter is not { Adapter: { Failure: null } wanted } waiter || Holder is not { } holder || !tenants.MayTakePlace(waiter.Tenant)) return true;
        if (wanted.Slot != 0)
        {
            // Once it is filled, the waiter comes first among its equals for one step.
            var had = _hasSlot;
            _hasSlot = !wanted.IsCopying;
            return had;
        }
        if (holder.Slot == 0) return true;
        var waits = Of(waiter, now);
        foreach (var sequence in running)
            if (sequence.Adapter == holder && Of(sequence, now).Exceeds(waits)) return true;
        return false;
    }

    // Of those that have waited long enough the most entitled, and of equals the one that has waited longest.
    private Sequence? FindWaiter(long now)
    {
        Sequence? best = null;
        foreach (var tenant in tenants.Active)
        {
            if (tenant.Waiting == 0 || !tenants.MayTakePlace(tenant)) continue;
            Consider(tenant.Interactive, now, ref best);
            Consider(tenant.Batch, now, ref best);
        }
        return best;
    }

    private void Consider(LinkedList<Sequence> queue, long now, ref Sequence? best)
    {
        var looked = 0;
        for (var node = queue.First; node is not null && looked < Candidates.Overtaking; node = node.Next)
        {
            var sequence = node.Value;
            looked += Candidates.Counts(sequence);
            if (sequence.Adapter is not { Slot: 0, Prepared: not null, Failure: null } || Candidates.WaitsForPrompt(sequence)) continue;
            if (sequence.AwaitsSlotSince == 0) sequence.AwaitsSlotSince = adapters.Step;
            if (adapters.Step - sequence.AwaitsSlotSince < options.SlotQuantumTokens) continue;
            var order = best is null ? -1 : Of(sequence, now).CompareTo(Of(best, now));
            if (order < 0 || (order == 0 && sequence.AwaitsSlotSince < best!.AwaitsSlotSince)) best = sequence;
        }
    }

    // Of the adapters that had their slot for long enough, and whose users are no more entitled than the waiter, the one whose users are least so, then the one that had it longest.
    private AdapterEntry? FindHolder(Sequence waiter, IReadOnlyList<Sequence> running, long now)
    {
        _holders.Clear();
        foreach (var sequence in running)
        {
            if (sequence.Adapter is not { } adapter || adapters.StepsInUse(adapter) < options.SlotQuantumTokens) continue;
            var own = Of(sequence, now);
            if (!_holders.TryGetValue(adapter, out var most) || own.Exceeds(most)) _holders[adapter] = own;
        }
        var waits = Of(waiter, now);
        AdapterEntry? best = null;
        foreach (var (adapter, most) in _holders)
        {
            if (most.Exceeds(waits)) continue;
            var order = best is null ? 1 : most.CompareTo(_holders[best]);
            if (order > 0 || (order == 0 && adapters.StepsInUse(adapter) > adapters.StepsInUse(best!))) best = adapter;
        }
        return best;
    }

    private Entitlement Of(Sequence sequence, long now) => tenants.EntitlementOf(sequence, now);
}
