using InferenceHost.Core.Adapters;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Sees to it that a sequence whose adapter finds every slot in use gets one in bounded time, however many and however long the sequences that use them: an adapter that has had its
/// slot for a while takes in no more sequences, those that run give way once they have had their share, and its slot is kept for the one that waits. One slot at a time.
/// Owned by the engine thread.
/// </summary>
internal sealed class SlotTurns(TenantLedger tenants, AdapterResidency adapters, SchedulerOptions options, TimeProvider time)
{
    private readonly Dictionary<AdapterEntry, Holder> _holders = [];
    private Sequence? _waiter;
    private long _step;

    /// <summary>The adapter whose slot goes to another; null = none has to.</summary>
    public AdapterEntry? Yielding { get; private set; }

    /// <summary>The sequence that gets the slot and could run now; null = there is none.</summary>
    public Sequence? Next => _waiter is { IsRunning: false, IsFinished: false } waiter && adapters.IsPinnable(waiter.Adapter!) ? waiter : null;

    /// <summary>Ends a turn that is over and begins one that is due. Before places are given.</summary>
    public void BeginStep(IReadOnlyList<Sequence> running, long now)
    {
        _step++;
        if (_waiter is { } waiter)
        {
            if (!waiter.IsRunning && !waiter.IsFinished && waiter.Adapter is { Slot: 0, Failure: null } && Yielding!.Slot != 0) return;
            End();
        }
        if (tenants.Waiting == 0 || adapters.HasRoom) return;
        if (FindWaiter(now) is { } next && FindHolder(next, running, now) is { } holder)
        {
            (_waiter, Yielding) = (next, holder);
            adapters.KeepSlot(holder, next.Adapter);
        }
    }

    private void End()
    {
        (_waiter, Yielding) = (null, null);
        adapters.KeepSlot(null, null);
    }

    // Of those that have waited long enough the most entitled: interactive ones, then the tenant that received least, then the longest wait for a slot.
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
        for (var node = queue.First; node is not null && looked < Candidates.Overtaking; node = node.Next, looked++)
        {
            var sequence = node.Value;
            if (sequence.Adapter is not { Slot: 0, Prepared: not null, Failure: null } || Candidates.WaitsForPrompt(sequence)) continue;
            if (sequence.AwaitsSlotSince == 0) sequence.AwaitsSlotSince = _step;
            if (_step - sequence.AwaitsSlotSince < options.SlotQuantumTokens) continue;
            if (best is null || Precedes(sequence, best, now)) best = sequence;
        }
    }

    private bool Precedes(Sequence a, Sequence b, long now)
    {
        var interactive = IsInteractive(a, now).CompareTo(IsInteractive(b, now));
        if (interactive != 0) return interactive > 0;
        return a.Tenant.Counter.Equals(b.Tenant.Counter) ? a.AwaitsSlotSince < b.AwaitsSlotSince : a.Tenant.Counter < b.Tenant.Counter;
    }

    // Of the adapters that had their slot for long enough, and whose users are no more entitled than the waiter, the one whose users received most, then the one that had it longest.
    private AdapterEntry? FindHolder(Sequence waiter, IReadOnlyList<Sequence> running, long now)
    {
        _holders.Clear();
        foreach (var sequence in running)
        {
            if (sequence.Adapter is not { } adapter || adapters.StepsInUse(adapter) < options.SlotQuantumTokens) continue;
            var interactive = IsInteractive(sequence, now);
            _holders[adapter] = _holders.TryGetValue(adapter, out var holder)
                ? new Holder(Math.Min(holder.Counter, sequence.Tenant.Counter), holder.IsInteractive || interactive)
                : new Holder(sequence.Tenant.Counter, interactive);
        }
        var waits = new Holder(waiter.Tenant.Counter, IsInteractive(waiter, now));
        AdapterEntry? best = null;
        foreach (var (adapter, holder) in _holders)
        {
            if (holder.IsMoreEntitledThan(waits)) continue;
            if (best is null || _holders[best].IsMoreEntitledThan(holder)
                || (!holder.IsMoreEntitledThan(_holders[best]) && adapters.StepsInUse(adapter) > adapters.StepsInUse(best))) best = adapter;
        }
        return best;
    }

    private bool IsInteractive(Sequence sequence, long now) => tenants.IsInteractive(sequence, time.GetElapsedTime(sequence.ArrivedAt, now));

    // What the most entitled of an adapter's running sequences has.
    private readonly record struct Holder(double Counter, bool IsInteractive)
    {
        public bool IsMoreEntitledThan(Holder other) => IsInteractive == other.IsInteractive ? Counter < other.Counter : IsInteractive;
    }
}
