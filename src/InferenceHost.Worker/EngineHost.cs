using InferenceHost.Core.Execution;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker;

/// <summary>
/// What the process does with the server's frames. Frames are handled on the reading thread and must return quickly; the engine lives on a thread of
/// its own from load to end. One model a process: another one is served by another process, so that memory is really free in between.
/// </summary>
internal sealed class EngineHost(ServerLink link)
{
    private readonly FrameEncoder _frames = new(link);
    private bool _loading;
    private Engine? _engine;

    /// <summary>The loop; null until the model is loaded.</summary>
    public EngineLoop? Loop => _engine?.Loop;

    public void Handle(ToWorker message)
    {
        switch (message.BodyCase)
        {
            case ToWorker.BodyOneofCase.LoadModel:
                StartLoading(message.CallId, message.LoadModel);
                break;
            case ToWorker.BodyOneofCase.Submit:
                if (_engine is { } engine) engine.Submissions.Submit(message.Submit);
                break;
            case ToWorker.BodyOneofCase.Cancel:
                _engine?.Submissions.Cancel(message.Cancel.SequenceId);
                break;
            case ToWorker.BodyOneofCase.Shutdown:
                new Thread(() => ShutDown(message.CallId, message.Shutdown.DrainMs)) { IsBackground = true, Name = "shutdown" }.Start();
                break;
            default:
                if (_engine is { } loaded) HandleLoaded(loaded, message);
                else link.Answer(message.CallId, Failures.Precondition("NO_MODEL", "no model is loaded"));
                break;
        }
    }

    private void HandleLoaded(Engine engine, ToWorker message)
    {
        var call = message.CallId;
        switch (message.BodyCase)
        {
            case ToWorker.BodyOneofCase.Tokenize:
                engine.Submissions.Tokenize(call, message.Tokenize);
                break;
            case ToWorker.BodyOneofCase.Detokenize:
                engine.Submissions.Detokenize(call, message.Detokenize);
                break;
            case ToWorker.BodyOneofCase.LoadAdapter:
                var adapter = message.LoadAdapter;
                engine.Loop.RegisterAdapter(adapter.Generation, adapter.Path, adapter.Install, failure => link.Answer(call,
                    failure is null ? new FromWorker { Done = new Done() } : Failures.Precondition("ADAPTER_UNREADABLE", failure)));
                break;
            case ToWorker.BodyOneofCase.DropAdapter:
                engine.Loop.DropAdapter(message.DropAdapter.Generation, () => link.Answer(call, new FromWorker { Done = new Done() }));
                break;
            case ToWorker.BodyOneofCase.GetCounters:
                engine.Loop.ReadCounters(counters => link.Answer(call, new FromWorker { Counters = ToFrame(counters, engine.AdapterSlots) }));
                break;
            case ToWorker.BodyOneofCase.AdapterStates:
                engine.Loop.ReadAdapters(adapters => link.Answer(call, new FromWorker { AdapterStateList = ToFrame(adapters) }));
                break;
            default:
                link.Answer(call, Failures.Precondition("UNKNOWN_FRAME", $"this worker does not know frame {message.BodyCase}; server and worker must be of one version"));
                break;
        }
    }

    private void StartLoading(ulong call, LoadModel load)
    {
        if (_loading)
        {
            link.Answer(call, Failures.Precondition("MODEL_LOADED", "this process has a model already"));
            return;
        }
        _loading = true;
        new Thread(() => RunEngine(call, load), maxStackSize: 16 << 20) { IsBackground = true, Name = "engine" }.Start();
    }

    private void RunEngine(ulong call, LoadModel load)
    {
        try
        {
            using var engine = Engine.Load(load, link, _frames, progress => link.Answer(call, new FromWorker { LoadProgress = progress }));
            _frames.IsMuted = true;
            link.Answer(call, new FromWorker { LoadProgress = new LoadProgress { Stage = "warming up" } });
            engine.WarmUp();
            _frames.IsMuted = false;
            _engine = engine;
            link.Answer(call, new FromWorker { Loaded = engine.Describe() });
            engine.Loop.Run();
        }
        catch (Exception e) when (e is EngineException or ArgumentException or IOException)
        {
            _loading = false;
            link.Answer(call, Failures.Precondition("MODEL_NOT_LOADED", e.Message));
        }
        catch (Exception e)
        {
            // A bug or a broken engine: the server starts another process.
            Console.Error.WriteLine(e);
            Environment.Exit(70);
        }
    }

    private void ShutDown(ulong call, int drainMs)
    {
        if (_engine is { } engine)
        {
            var until = Environment.TickCount64 + drainMs;
            while (Environment.TickCount64 < until && engine.Loop.ActiveRequests > 0) Thread.Sleep(20);
            engine.Loop.Stop();
            engine.Stopped.Wait(TimeSpan.FromSeconds(5));
        }
        link.Answer(call, new FromWorker { Done = new Done() });
        Environment.Exit(0);
    }

    private static Counters ToFrame(LoopCounters counters, int adapterSlots) => new()
    {
        Running = counters.Running,
        Waiting = counters.Waiting,
        UsedCells = counters.UsedCells,
        TotalCells = counters.TotalCells,
        CachedCells = counters.CachedCells,
        Steps = counters.Steps,
        PrefillTokens = counters.PrefillTokens,
        DecodeTokens = counters.DecodeTokens,
        PrefixHitTokens = counters.PrefixHitTokens,
        Preemptions = counters.Preemptions,
        FinishedRequests = counters.Finished,
        RefusedRequests = counters.Refused,
        DraftTokens = counters.DraftTokens,
        AcceptedDraftTokens = counters.AcceptedDraftTokens,
        AdapterSlotsUsed = counters.AdapterSlotsUsed,
        AdapterSlots = adapterSlots,
        AdapterLoads = counters.AdapterLoads,
        AdapterEvictions = counters.AdapterEvictions,
        CellsAcquired = counters.CellsAcquired,
        CellsReleased = counters.CellsReleased,
        SwappedOutTokens = counters.SwappedOutTokens,
        SwappedInTokens = counters.SwappedInTokens,
        SwapBytesHeld = counters.SwapBytesHeld,
    };

    private static AdapterStateList ToFrame(IReadOnlyList<Core.Adapters.AdapterResidence> adapters)
    {
        var list = new AdapterStateList();
        foreach (var adapter in adapters)
            list.States.Add(new AdapterState { Generation = adapter.Generation, State = (int)adapter.Tier + 1, ActiveSequences = adapter.Users });
        return list;
    }
}
