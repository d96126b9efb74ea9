using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.KvCache;

namespace InferenceHost.Core.Scheduling;

/// <summary>
/// Decides what the next step computes. Every running sequence decodes each step, prefill chunks fill the rest of a token budget, tenants take turns by
/// service received. Pure bookkeeping; owned by the engine thread.
/// </summary>
/// <remarks>Continuous batching: Yu et al., "Orca", OSDI 2022. Chunked prefill in mixed steps: Agrawal et al., "Sarathi-Serve", OSDI 2024.</remarks>
internal sealed class Scheduler
{
    private readonly SchedulerOptions _options;
    private readonly EngineCapabilities _capabilities;
    private readonly KvLedger _ledger;
    private readonly PlaceKeeper _places;
    private readonly AdapterResidency _adapters;
    private readonly TimeProvider _time;
    private readonly StepBudget _budget;
    private readonly Candidates _candidates;
    private readonly SlotTurns _slotTurns;
    private readonly AdapterTurns _turns = new();
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _prefill = [];
    private readonly int[] _draft = new int[MaxDraftTokens];
    private readonly Comparison<Sequence> _byEntitlement;
    private long _activations;
    private long _now;
    private long? _plannedAt;

    public const int MaxDraftTokens = 16;

    public Scheduler(SchedulerOptions options, EngineCapabilities capabilities, KvLedger ledger, PlaceKeeper places, AdapterResidency adapters, StepBudget budget, TimeProvider time)
    {
        _options = options;
        _capabilities = capabilities;
        _ledger = ledger;
        _places = places;
        _adapters = adapters;
        _time = time;
        _budget = budget;
        Tenants = new TenantLedger(options, time);
        _slotTurns = new SlotTurns(Tenants, adapters, options);
        _candidates = new Candidates(Tenants, adapters, _slotTurns);
        _byEntitlement = ComparePrefill;
    }

    public TenantLedger Tenants { get; }

    public IReadOnlyList<Sequence> Running => _running;

    public long Preemptions { get; private set; }

    /// <summary>Fills the plan of the next step; it stays empty where nothing can run.</summary>
    public void Plan(StepPlan plan, long now)
    {
        plan.Clear();
        if (_plannedAt is { } before) _budget.Accrue(_time.GetElapsedTime(before, now));
        _plannedAt = now;
        Tenants.Sweep();
        _places.BeginStep();
        _slotTurns.BeginStep(_running, now);
        YieldSlot();
        Activate(now);
        while (_running.Count > 0)
        {
            var group = _capabilities.AdapterMode == AdapterMode.Grouped ? _turns.Next(_running) : ((int, float)?)null;
            PlanDecode(plan, group);
            PlanPrefill(plan, group, now);
            // Nothing fits although something runs: prompts in progress fill the pool between them. The least entitled starts again later.
            if (!plan.IsEmpty || !TryPreemptLeastEntitled()) return;
        }
    }

    /// <summary>Learns from a step that has been executed.</summary>
    public void Observe(StepPlan plan, double seconds) => _budget.Observe(seconds, plan.DecodeRows, plan.PrefillTokens, plan.DraftTokens);

    /// <summary>Ends a sequence's part in everything.</summary>
    public void Remove(Sequence sequence, bool retain)
    {
        if (sequence.IsRunning)
        {
            _running.Remove(sequence);
            sequence.Tenant.Running--;
            _places.Close(sequence, retain);
        }
        else
        {
            Tenants.Dequeue(sequence);
            _places.Forget(sequence);
        }
        sequence.IsFinished = true;
        if (sequence.Adapter is { } adapter) _adapters.RemoveUser(adapter);
    }

    /// <summary>
    /// Takes a running sequence's place; it waits at the head of its queue and goes on later with the same output. <paramref name="intact"/> says whether
    /// its memory is what the ledger says; else it is computed again from the start.
    /// </summary>
    public void Preempt(Sequence sequence, bool intact = true)
    {
        _running.Remove(sequence);
        sequence.Tenant.Running--;
        _places.Suspend(sequence, intact);
        Tenants.EnqueueFirst(sequence);
        Preemptions++;
    }

    private void Activate(long now)
    {
        while (Tenants.Waiting > 0 && _candidates.TryNext(now, out var candidate))
        {
            if (!Fits(candidate)) return;
            var isFull = _running.Count + (_slotTurns.KeepsPlace ? 1 : 0) >= _options.Parallel;
            var victim = isFull ? FindVictimFor(candidate, now) : null;
            if (isFull && victim is null) return;
            // Where a copy takes several steps, nobody gives way yet, and the others go first.
            if (candidate.Adapter is { } adapter && !_adapters.TryInstall(adapter)) continue;
            if (victim is not null) Preempt(victim);
            if (!_places.TryOpen(candidate)) return;
            Tenants.Dequeue(candidate);
            candidate.Tenant.Running++;
            candidate.ActivationOrder = ++_activations;
            candidate.FirstScheduledAt ??= now;
            candidate.AwaitsSlotSince = 0;
            _running.Add(candidate);
        }
    }

    // All of an adapter's sequences together: the slot is of no use to others while one of them runs.
    private void YieldSlot()
    {
        if (_slotTurns.Yielding is not { } adapter || !CanPreempt) return;
        foreach (var sequence in _running)
            if (sequence.Adapter == adapter && !HasHad(sequence, _options.SlotQuantumTokens)) return;
        for (var i = _running.Count - 1; i >= 0; i--)
            if (_running[i].Adapter == adapter) Preempt(_running[i]);
    }

    /// <summary>Whether the cells that a sequence and the prompts in progress still need can be had without preempting anybody.</summary>
    private bool Fits(Sequence candidate)
    {
        if (_running.Count == 0) return true;
        const int headroomPerSequence = 16;
        var needed = candidate.Needed + Math.Min(candidate.MaxNewTokens - candidate.Generated, headroomPerSequence);
        foreach (var sequence in _running)
            needed += sequence.Needed + Math.Min(sequence.MaxNewTokens - sequence.Generated, headroomPerSequence);
        if (needed <= _ledger.Free) return true;
        if (_ledger.TryMatch(candidate.PrefixKey, candidate.Tokens[..^1], out _, out var matched)) needed -= matched;
        // Cells that match are counted as reclaimable too: they are not, if the candidate shares them.
        return needed <= _places.ReclaimableCells - matched;
    }

    private Sequence? FindVictimFor(Sequence candidate, long now)
    {
        if (!CanPreempt) return null;
        Sequence? victim = null;
        var interactive = candidate.Request.Priority == Requests.Priority.Interactive;
        var entitled = candidate.Tenant.Running + 1 <= Tenants.FairPlaces(candidate.Tenant);
        foreach (var sequence in _running)
        {
            if (!HasHad(sequence, _options.PreemptionQuantumTokens)) continue;
            var yields = interactive && !Tenants.IsInteractive(sequence, now);
            var overServed = entitled && sequence.Tenant != candidate.Tenant
                && sequence.Tenant.Running > Math.Ceiling(Tenants.FairPlaces(sequence.Tenant));
            if ((yields || overServed) && (victim is null || LessEntitled(sequence, victim))) victim = sequence;
        }
        return victim;
    }

    // Where cells stay in the prefix cache, so that a place that is given up costs one token.
    private bool CanPreempt => _capabilities.CanSharePrefix && _options.PrefixCache;

    private static bool HasHad(Sequence sequence, int tokens) => sequence.Needed <= 1 && sequence.Generated - sequence.GeneratedAtActivation >= tokens;

    private void PlanDecode(StepPlan plan, (int Slot, float Scale)? group)
    {
        var rows = CountDecodeRows(group);
        while (rows > 0 && !_places.TryMakeRoom(rows))
        {
            // A decode row is a cell: under pressure the least entitled sequence gives its cells to the others.
            if (!TryPreemptLeastEntitled()) return;
            rows = CountDecodeRows(group);
        }
        var spare = SpareRows(group) - rows;
        var breakEven = (float)_budget.BreakEvenAcceptance(rows);
        foreach (var sequence in _running)
        {
            if (sequence.Needed != 1 || !InGroup(sequence, group)) continue;
            var drafts = Draft(sequence, spare, breakEven);
            spare -= drafts.Length;
            plan.AddDecode(sequence, drafts);
        }
    }

    // Rows that a step with drafts may have: none for drafts while a prompt comes in, which would wait for them.
    private int SpareRows((int Slot, float Scale)? group)
    {
        foreach (var sequence in _running)
            if (sequence.Needed > 1 && InGroup(sequence, group)) return 0;
        return Math.Min(Math.Min(_ledger.Free, _options.SpeculationRows), Math.Min(_options.MaxBatchTokens, _capabilities.MaxOutputs));
    }

    private int CountDecodeRows((int Slot, float Scale)? group)
    {
        var rows = 0;
        foreach (var sequence in _running)
            if (sequence.Needed == 1 && InGroup(sequence, group)) rows++;
        return rows;
    }

    private ReadOnlySpan<int> Draft(Sequence sequence, int spare, float breakEven)
    {
        if (sequence.Drafter is null || !_capabilities.CanTrim) return [];
        var most = Math.Min(Math.Min(spare, MaxDraftTokens), sequence.MaxNewTokens - sequence.Generated - 1);
        return most <= 0 ? [] : _draft.AsSpan(0, sequence.Drafter.Draft(_draft.AsSpan(0, most), breakEven));
    }

    private void PlanPrefill(StepPlan plan, (int Slot, float Scale)? group, long now)
    {
        _prefill.Clear();
        foreach (var sequence in _running)
            if (sequence.Needed > 1 && InGroup(sequence, group)) _prefill.Add(sequence);
        if (_prefill.Count == 0 || (plan.Rows > 0 && !_capabilities.MixesPrefillAndDecode)) return;
        _now = now;
        _prefill.Sort(_byEntitlement);
        var room = _options.MaxBatchTokens - plan.Rows;
        var budget = WholeRows(plan.Rows, Math.Min(room, _budget.ChunkTokens(plan.DecodeRows, PrefillDemand(), _options.MaxBatchTokens)));
        foreach (var sequence in _prefill)
        {
            var wanted = Math.Min(sequence.Needed, room);
            var tokens = Math.Min(wanted, budget);
            if (wanted > tokens && sequence.PrefillAtActivation <= StepBudget.ShortPromptTokens && _budget.TrySpend(wanted - tokens, plan.DecodeRows)) tokens = wanted;
            if (tokens > 0 && _ledger.Free - plan.Rows < tokens && !_places.TryMakeRoom(plan.Rows + tokens)) tokens = Math.Max(0, _ledger.Free - plan.Rows);
            if (tokens <= 0) continue;
            plan.AddPrefill(sequence, tokens);
            room -= tokens;
            budget = Math.Max(0, budget - tokens);
        }
    }

    /// <summary>Rounds a budget down so that the step's rows are a multiple of what the engine takes together, unless little would be left of it.</summary>
    private int WholeRows(int rows, int budget)
    {
        var whole = budget - ((rows + budget) % _capabilities.RowMultiple);
        return whole >= _capabilities.RowMultiple / 2 ? whole : budget;
    }

    /// <summary>
    /// How many wait for their first token for each that decodes. A tenant counts once (by its weight), so that its many prompts do not slow down others; and one prompt
    /// counts for nothing, so that a long one does not slow down everybody else's streams.
    /// </summary>
    private double PrefillDemand()
    {
        double waiting = 0, decoding = 0;
        var prompts = 0;
        foreach (var sequence in _running)
        {
            var share = sequence.Tenant.Weight / sequence.Tenant.Running;
            if (sequence.Needed > 1)
            {
                waiting += share;
                prompts++;
            }
            else
            {
                decoding += share;
            }
        }
        return decoding > 0 ? Math.Min(waiting / decoding, (prompts - 1.0) / (_running.Count - prompts)) : 0;
    }

    private bool TryPreemptLeastEntitled()
    {
        Sequence? victim = null;
        foreach (var sequence in _running)
            if (victim is null || LessEntitled(sequence, victim)) victim = sequence;
        if (victim is null || _running.Count == 1) return false;
        Preempt(victim);
        return true;
    }

    private static bool LessEntitled(Sequence a, Sequence b)
    {
        if (a.Request.Priority != b.Request.Priority) return a.Request.Priority > b.Request.Priority;
        return a.Tenant == b.Tenant || a.Tenant.Counter.Equals(b.Tenant.Counter)
            ? a.ActivationOrder > b.ActivationOrder
            : a.Tenant.Counter > b.Tenant.Counter;
    }

    private int ComparePrefill(Sequence a, Sequence b)
    {
        var order = Tenants.EntitlementOf(a, _now).CompareTo(Tenants.EntitlementOf(b, _now));
        return order != 0 ? order : a.ActivationOrder.CompareTo(b.ActivationOrder);
    }

    private static bool InGroup(Sequence sequence, (int Slot, float Scale)? group) => group is null || (sequence.AdapterSlot, sequence.AdapterScale) == group;
}
