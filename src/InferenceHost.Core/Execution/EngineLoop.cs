using System.Collections.Concurrent;
using InferenceHost.Core.Adapters;
using InferenceHost.Core.Admission;
using InferenceHost.Core.KvCache;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Execution;

/// <summary>
/// The decode loop. One thread owns it and everything behind it (scheduler, ledger, engine) and calls <see cref="Run"/>; every other thread talks to it through
/// <see cref="Submit"/>, <see cref="Cancel"/> and the other members that post, which return at once. Results leave through <see cref="IStepSink"/>, one frame per step.
/// </summary>
public sealed partial class EngineLoop : IDisposable
{
    private const int MaxFailuresInARow = 3;

    private readonly IEngine _engine;
    private readonly IStepSink _sink;
    private readonly LoopOptions _options;
    private readonly TimeProvider _time;
    private readonly AdmissionLimits _limits;
    private readonly KvLedger _ledger;
    private readonly AdapterResidency _adapters;
    private readonly SwapStore _swap;
    private readonly PlaceKeeper _places;
    private readonly Scheduler _scheduler;
    private readonly SampleStage _sampling;
    private readonly ConcurrentQueue<Action> _inbox = new();
    private readonly ManualResetEventSlim _signal = new(false);
    private readonly Dictionary<SequenceId, List<Sequence>> _byRequest = [];
    private readonly StepPlan _plan = new();
    private readonly StepBatch _batch;
    private readonly StepFrame _frame = new();
    private readonly List<Sequence> _expired = [];
    private int _withDeadline;
    private int _failuresInARow;
    private long _steps, _failedSteps, _prefillTokens, _decodeTokens, _finished, _refused, _draftTokens, _acceptedDraftTokens;
    private long _stepStartedAt;
    private int _activeRequests;
    private bool _stopping;

    /// <summary>A loop over an engine; the engine stays the caller's.</summary>
    public EngineLoop(IEngine engine, IStepSink sink, LoopOptions options, TimeProvider? time = null)
    {
        _engine = engine;
        _sink = sink;
        _time = time ?? TimeProvider.System;
        var capabilities = engine.Capabilities;
        var scheduling = options.Scheduling with { MaxBatchTokens = Math.Min(options.Scheduling.MaxBatchTokens, capabilities.MaxBatchTokens) };
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scheduling.Parallel, Math.Min(capabilities.MaxSequences, scheduling.MaxBatchTokens), nameof(options));
        _options = options with { Scheduling = scheduling };
        _limits = options.LimitsFor(capabilities);
        _ledger = new KvLedger(capabilities.PoolTokens, capabilities.MaxSequences);
        _adapters = new AdapterResidency(engine, options.AdapterMemoryBytes, options.RunOffThread ?? (work => ThreadPool.QueueUserWorkItem(_ => work())), Post);
        var budget = new StepBudget(scheduling.TargetInterTokenLatency);
        _swap = new SwapStore(engine, scheduling, budget, _time);
        _places = new PlaceKeeper(engine, _ledger, _adapters, _swap, scheduling);
        _scheduler = new Scheduler(scheduling, capabilities, _ledger, _places, _adapters, budget, _time);
        _batch = new StepBatch(scheduling.MaxBatchTokens);
        _sampling = new SampleStage(engine, _frame, scheduling.MaxBatchTokens, options);
        _adapters.Failed = FailUsersOf;
    }

    /// <summary>Engine calls so far; may be read from any thread.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>How long the engine call in progress has taken; zero = none. May be read from any thread.</summary>
    public TimeSpan StepAge => Volatile.Read(ref _stepStartedAt) is var started and not 0 ? _time.GetElapsedTime(started) : TimeSpan.Zero;

    /// <summary>Limits that admission applies.</summary>
    public AdmissionLimits Limits => _limits;

    /// <summary>Enters a request; its answer comes in frames, a refusal too.</summary>
    public void Submit(SequenceRequest request)
    {
        var arrivedAt = _time.GetTimestamp();
        Post(() => Admit(request, arrivedAt));
    }

    /// <summary>Ends a request within one step; unknown ids are ignored.</summary>
    public void Cancel(SequenceId id) => Post(() => EndRequest(id, FinishReason.Cancelled, null));

    /// <summary>Makes an adapter generation known, reads it into host memory and, where asked, into a slot; <paramref name="ready"/> gets null or the failure, on the engine thread.</summary>
    public void RegisterAdapter(string generation, string path, bool install, Action<string?> ready) =>
        Post(() => _adapters.Register(generation, path, install, ready));

    /// <summary>Forgets a generation when the requests that use it have ended; <paramref name="gone"/> is told on the engine thread.</summary>
    public void DropAdapter(string generation, Action gone) => Post(() => _adapters.Drop(generation, gone));

    /// <summary>Where every known adapter is, told on the engine thread.</summary>
    public void ReadAdapters(Action<IReadOnlyList<AdapterResidence>> tell) => Post(() => tell([.. _adapters.Entries.Select(e =>
        new AdapterResidence(e.Generation, e is { IsCopying: false, Slot: not 0 } ? AdapterTier.Loaded : e.Prepared is not null ? AdapterTier.Cached : AdapterTier.Stored, e.Users))]));

    /// <summary>A reading of the counters, told on the engine thread between two steps.</summary>
    public void ReadCounters(Action<LoopCounters> tell) => Post(() => tell(Counters()));

    /// <summary>Answers a request that cannot be entered, in order with the other frames.</summary>
    public void Refuse(SequenceId id, Refusal refusal) => Post(() =>
    {
        _refused++;
        _frame.CloseDelta(id, 0, false, new SequenceFinish(FinishReason.Failed, refusal, default));
    });

    /// <summary>Requests in the loop, as of the last step; may be read from any thread.</summary>
    public int ActiveRequests => Volatile.Read(ref _activeRequests);

    /// <summary>Sets the totals of the counters back, after a warm-up.</summary>
    public void ResetCounters() => Post(() =>
    {
        _steps = _failedSteps = _prefillTokens = _decodeTokens = _finished = _refused = _draftTokens = _acceptedDraftTokens = 0;
        _places.ResetCounters();
        _swap.ResetCounters();
        _ledger.ResetCounters();
    });

    /// <summary>Drops the prefix cache.</summary>
    public void DropPrefixCache() => Post(_places.DropCache);

    /// <summary>Ends every request and then the loop.</summary>
    public void Stop() => Post(() => _stopping = true);

    /// <summary>Runs until <see cref="Stop"/>; the calling thread owns the engine meanwhile.</summary>
    public void Run()
    {
        while (!_stopping)
        {
            if (Step()) continue;
            _signal.Wait(IdleWait());
            _signal.Reset();
        }
        foreach (var id in _byRequest.Keys.ToArray())
            EndRequest(id, FinishReason.Cancelled, new Refusal(RefusalKind.Stopping, "ENGINE_STOPPING", "the engine is stopping; try again", RetryAfter: TimeSpan.FromSeconds(1)));
        Publish();
        _places.DropCache();
        _adapters.Clear();
    }

    /// <summary>One step; false where nothing can run now.</summary>
    public bool Step()
    {
        _adapters.ContinueCopy();
        Drain();
        Plan();
        var worked = false;
        if (!_plan.IsEmpty)
        {
            using var reservation = Reserve();
            worked = true;
            if (Execute())
            {
                Sample();
                Commit(reservation);
            }
        }
        Publish();
        Volatile.Write(ref _activeRequests, _byRequest.Count);
        if (_options.CheckInvariants) CheckInvariants();
        return worked || _adapters.HasWork || !_inbox.IsEmpty;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sampling.Dispose();
        _signal.Dispose();
    }

    private void Post(Action command)
    {
        _inbox.Enqueue(command);
        _signal.Set();
    }

    private void Drain()
    {
        _signal.Reset();
        while (_inbox.TryDequeue(out var command)) command();
        if (_withDeadline > 0) EndExpired();
    }

    private void Plan() => _scheduler.Plan(_plan, _time.GetTimestamp());

    private Reservation Reserve() =>
        _ledger.TryReserve(_plan.Rows, out var reservation)
            ? reservation
            : throw new InvalidOperationException($"the plan needs {_plan.Rows} cells, the ledger has {_ledger.Free}");

    private void Sample() => _sampling.Draw(_plan);

    private void Publish()
    {
        if (!_frame.IsEmpty) _sink.Publish(_frame);
        _frame.Clear();
    }

    private TimeSpan IdleWait() => _withDeadline > 0 || _scheduler.Tenants.Waiting > 0 ? TimeSpan.FromMilliseconds(10) : Timeout.InfiniteTimeSpan;

    private LoopCounters Counters() => new()
    {
        Running = _scheduler.Running.Count,
        Waiting = _scheduler.Tenants.Waiting,
        UsedCells = _ledger.Used,
        TotalCells = _ledger.Capacity,
        CachedCells = _ledger.CountCachedCells(),
        Steps = _steps,
        FailedSteps = _failedSteps,
        PrefillTokens = _prefillTokens,
        DecodeTokens = _decodeTokens,
        PrefixHitTokens = _places.PrefixHitTokens,
        Preemptions = _scheduler.Preemptions,
        SwappedOutTokens = _swap.OutTokens,
        SwappedInTokens = _swap.InTokens,
        SwapBytesHeld = _swap.BytesHeld,
        Finished = _finished,
        Refused = _refused,
        DraftTokens = _draftTokens,
        AcceptedDraftTokens = _acceptedDraftTokens,
        AdapterSlotsUsed = _adapters.SlotsUsed,
        AdapterLoads = _adapters.Loads,
        AdapterEvictions = _adapters.Evictions,
        CellsAcquired = _ledger.Acquired,
        CellsReleased = _ledger.Released,
    };

    private void CheckInvariants()
    {
        _ledger.CheckInvariants();
        _places.CheckInvariants();
        var saved = _byRequest.Values.Sum(samples => samples.Sum(s => s is { IsRunning: false, IsFinished: false } ? s.Saved?.Bytes ?? 0 : 0));
        if (saved != _swap.BytesHeld) throw new InvalidOperationException($"waiting sequences have {saved} bytes saved, the store says {_swap.BytesHeld}");
        foreach (var sequence in _scheduler.Running)
        {
            var held = _engine.Length(sequence.Slot);
            if (held != sequence.Computed || _ledger.Length(sequence.Slot) != held)
                throw new InvalidOperationException($"{sequence.Request.Id}: computed {sequence.Computed}, ledger {_ledger.Length(sequence.Slot)}, engine {held}");
        }
    }
}
