using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using Microsoft.Extensions.Logging;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Supervision;

/// <summary>
/// Keeps one engine process alive with one model loaded: starts it, loads, watches its heartbeat, and starts it again with back-off when it dies or
/// hangs. Calls read <see cref="Status"/>; nobody ever waits for the process.
/// </summary>
internal sealed class EngineSupervisor : IAsyncDisposable
{
    // A process that served this long has shown that it can: the back-off starts over.
    private static readonly TimeSpan s_provenAfter = TimeSpan.FromMinutes(1);
    private readonly IWorkerLauncher _launcher;
    private readonly SupervisionOptions _options;
    private readonly Func<ServedModel, Wire.LoadModel> _loadFrame;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SocketFolder _folder = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Lock _gate = new();
    private EngineStatus _status = new(EngineState.Starting, null, "the model is being loaded");
    private Task<EngineWorker>? _prelaunched;
    private EngineRun? _run;
    private int _restarts;
    private bool _disposed;

    public EngineSupervisor(
        IWorkerLauncher launcher, SupervisionOptions options, Func<ServedModel, Wire.LoadModel> loadFrame, TimeProvider time, ILogger<EngineSupervisor> log)
    {
        _launcher = launcher;
        _options = options;
        _loadFrame = loadFrame;
        _time = time;
        _log = log;
    }

    /// <summary>What the engine does now.</summary>
    public EngineStatus Status => Volatile.Read(ref _status);

    /// <summary>Raised after <see cref="Status"/> changed.</summary>
    public event Action<EngineStatus>? StatusChanged;

    /// <summary>Prepares a fresh process before it serves, such as making adapters known again.</summary>
    public Func<EngineSession, CancellationToken, Task>? BeforeServing { get; set; }

    /// <summary>Times the process was started again after it had died.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>The loaded model, for a new call.</summary>
    /// <exception cref="RefusalException">Nothing is served at the moment.</exception>
    public EngineSession Session
    {
        get
        {
            var status = Status;
            return status is { State: EngineState.Serving, Session: { } session } ? session : throw new RefusalException(status.ToRefusal());
        }
    }

    /// <summary>Starts a process ahead of the first load, so that it comes up while the model file is verified.</summary>
    public void Prelaunch() => _prelaunched ??= EngineWorker.StartAsync(_launcher, _folder, _time, _stopped.Token);

    /// <summary>Loads a model and supervises it from then on. Nothing may be loaded before.</summary>
    /// <exception cref="RefusalException">The engine refused the model.</exception>
    /// <exception cref="EngineDiedException">The process died at it again and again.</exception>
    public async Task<EngineSession> LoadAsync(ServedModel model, Action<Wire.LoadProgress>? progress, CancellationToken cancellation)
    {
        var run = new EngineRun(model, progress, CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token));
        lock (_gate)
        {
            if (_run is not null)
                throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_LOADED", $"'{_run.Model.Name}' is loaded; unload it first or set replace"));
            _run = run;
        }
        Publish(new EngineStatus(EngineState.Starting, null, "the model is being loaded"));
        run.Task = SuperviseAsync(run);
        await using var abort = cancellation.Register(run.Stop.Cancel);
        try
        {
            return await run.FirstSession.Task;
        }
        catch
        {
            // A model that never served leaves no supervision behind, but the reason stays.
            var reason = Status;
            await EndRunAsync(run);
            Publish(reason.State == EngineState.Failed ? reason : new EngineStatus(EngineState.NoModel, null, "no model is loaded"));
            throw;
        }
    }

    /// <summary>Takes no new calls from now on; those that run go on.</summary>
    public void BeginDrain() => Publish(new EngineStatus(EngineState.Draining, Status.Session, "the server is shutting down"));

    /// <summary>Takes the model out of service at once; its streams go on until <see cref="EndAsync"/>.</summary>
    /// <param name="meanwhile">What new calls hear: <see cref="EngineState.NoModel"/>, or <see cref="EngineState.Starting"/> where another one follows.</param>
    /// <returns>Its session, or null where none served.</returns>
    public EngineSession? Withdraw(EngineState meanwhile = EngineState.NoModel)
    {
        var session = Status.Session;
        Publish(StatusOf(meanwhile));
        return session;
    }

    /// <summary>Ends the process and its supervision; does nothing where there is none.</summary>
    /// <param name="meanwhile">As in <see cref="Withdraw"/>.</param>
    public async Task EndAsync(EngineState meanwhile = EngineState.NoModel)
    {
        if (_run is { } run)
            await EndRunAsync(run);
        Publish(StatusOf(meanwhile));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        BeginDrain();
        await _stopped.CancelAsync();
        await EndAsync();
        if (_prelaunched is { } prelaunched && Interlocked.Exchange(ref _prelaunched, null) is not null)
            await DisposeQuietlyAsync(prelaunched);
        _folder.Dispose();
        _stopped.Dispose();
    }

    private async Task EndRunAsync(EngineRun run)
    {
        await run.Stop.CancelAsync();
        await run.Task;
        lock (_gate)
        {
            if (_run == run)
                _run = null;
        }
        run.Stop.Dispose();
    }

    private async Task SuperviseAsync(EngineRun run)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (await ServeOnceAsync(run))
                await Task.Delay(SupervisionOptions.Backoff(run.FailuresInARow), _time, run.Stop.Token);
        }
        catch (OperationCanceledException)
        {
            run.FirstSession.TrySetCanceled();
        }
        catch (Exception error)
        {
            // A missing executable, a full disk: nothing that another try mends.
            Fail(run, error.Message, error);
        }
    }

    // One life of the process. True: it is to be started again.
    private async Task<bool> ServeOnceAsync(EngineRun run)
    {
        EngineWorker worker;
        try
        {
            worker = await TakeWorkerAsync(run.Stop.Token);
        }
        catch (EngineDiedException error)
        {
            return CountLoadDeath(run, error.Message);
        }

        try
        {
            var watching = WatchAsync(worker, run.Stop.Token);
            EngineSession session;
            try
            {
                session = await LoadIntoAsync(worker, run);
            }
            catch (RefusalException error) when (error.Refusal.Kind == RefusalKind.EngineRestarted)
            {
                return CountLoadDeath(run, await worker.DescribeEndAsync());
            }
            catch (RefusalException error)
            {
                Fail(run, error.Refusal.Message, error);
                return false;
            }
            Serve(run, session);
            await watching;
            return await CountDeathAsync(run, worker);
        }
        finally
        {
            // After a kill this only collects the process; otherwise it asks first.
            if (worker.Link.Closed.IsCompleted)
                await worker.DisposeAsync();
            else
                await worker.StopAsync(_options.ShutdownPatience);
        }
    }

    private async Task<EngineWorker> TakeWorkerAsync(CancellationToken stop) =>
        Interlocked.Exchange(ref _prelaunched, null) is { } prelaunched
            ? await prelaunched.WaitAsync(stop)
            : await EngineWorker.StartAsync(_launcher, _folder, _time, stop);

    private async Task<EngineSession> LoadIntoAsync(EngineWorker worker, EngineRun run)
    {
        worker.Link.LoadProgress = run.Progress;
        var frame = _loadFrame(run.Model);
        frame.Plain = run.IsPlain;
        var reply = await worker.Link.CallAsync(new Wire.ToWorker { LoadModel = frame }, run.Stop.Token);
        worker.Link.LoadProgress = null;
        if (reply.Loaded is not { } loaded)
            throw new RefusalException(new Refusal(RefusalKind.Internal, "ENGINE_PROTOCOL", "the engine process answered LoadModel with another kind of frame"));
        var session = new EngineSession(worker, run.Model, loaded);
        if (BeforeServing is { } prepare)
            await prepare(session, run.Stop.Token);
        return session;
    }

    private void Serve(EngineRun run, EngineSession session)
    {
        if (run.IsPlain)
            SupervisionLog.ServingPlain(_log, run.Model.Name);
        run.LoadDeaths = 0;
        run.ServingSince = _time.GetTimestamp();
        if (session.Loaded.DeviceNote.Length > 0)
            SupervisionLog.DeviceNote(_log, run.Model.Name, session.Loaded.DeviceNote);
        if (session.Loaded.AdapterNote.Length > 0)
            SupervisionLog.AdapterNote(_log, session.Loaded.AdapterNote);
        SupervisionLog.Serving(_log, run.Model.Name, session.ProcessId, session.Loaded.Device);
        Publish(new EngineStatus(EngineState.Serving, session, ""));
        run.FirstSession.TrySetResult(session);
    }

    // Ends when the process is gone or hung (it is killed then); throws when the run is stopped.
    private async Task WatchAsync(EngineWorker worker, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Math.Clamp(_options.HeartbeatTimeout.TotalMilliseconds / 8, 20, 1000)), _time);
        var closed = worker.Link.Closed;
        while (!closed.IsCompleted)
        {
            var tick = timer.WaitForNextTickAsync(stop).AsTask();
            if (await Task.WhenAny(tick, closed) == closed)
                break;
            await tick;
            var cause = worker.Link.Silence > _options.HeartbeatTimeout ? $"no heartbeat for {_options.HeartbeatTimeout.TotalSeconds:0.#} s"
                : worker.Link.StepAge > _options.StepTimeout ? $"one engine call takes more than {_options.StepTimeout.TotalSeconds:0.#} s"
                : null;
            if (cause is null)
                continue;
            SupervisionLog.EngineHangs(_log, worker.ProcessId, cause);
            worker.Kill(cause);
        }
    }

    private async Task<bool> CountDeathAsync(EngineRun run, EngineWorker worker)
    {
        run.Stop.Token.ThrowIfCancellationRequested();
        var restart = Interlocked.Increment(ref _restarts);
        // Calls are refused with a hint before anything else happens.
        Publish(new EngineStatus(EngineState.Restarting, null, await worker.Link.Closed));
        if (_time.GetElapsedTime(run.ServingSince) > s_provenAfter)
            run.FailuresInARow = 0;
        run.FailuresInARow++;
        SupervisionLog.EngineDied(_log, worker.ProcessId, await worker.DescribeEndAsync(), restart);
        return Status.State != EngineState.Draining;
    }

    private bool CountLoadDeath(EngineRun run, string cause)
    {
        run.Stop.Token.ThrowIfCancellationRequested();
        run.FailuresInARow++;
        run.LoadDeaths++;
        SupervisionLog.DiedAtLoad(_log, run.Model.Name, run.LoadDeaths, _options.MaxLoadDeaths, cause);
        if (run.LoadDeaths < _options.MaxLoadDeaths)
            return true;
        var reason = $"the engine process died {run.LoadDeaths} times in a row while loading it: {cause}";
        Fail(run, reason, new EngineDiedException(reason));
        return false;
    }

    private void Fail(EngineRun run, string reason, Exception error)
    {
        SupervisionLog.ModelFailed(_log, run.Model.Name, reason);
        Publish(new EngineStatus(EngineState.Failed, null, reason));
        run.FirstSession.TrySetException(error);
    }

    private static EngineStatus StatusOf(EngineState state) =>
        new(state, null, state == EngineState.Starting ? "another model is being loaded" : "no model is loaded");

    private void Publish(EngineStatus status)
    {
        lock (_gate)
        {
            if (_status.State == EngineState.Draining)
                return;
            Volatile.Write(ref _status, status);
            StatusChanged?.Invoke(status);
        }
    }

    private static async Task DisposeQuietlyAsync(Task<EngineWorker> starting)
    {
        try
        {
            await (await starting).DisposeAsync();
        }
        catch (Exception error) when (error is OperationCanceledException or EngineDiedException or Hosting.StartupException)
        {
            // It never came up.
        }
    }
}
