using InferenceHost.ModelFiles;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Catalogue;

/// <summary>Loads and unloads models at run time, one change at a time: verify first (a bad file costs nobody anything), then drain, then load.</summary>
internal sealed class ModelLifecycle(ModelLibrary library, EngineSupervisor supervisor, AdapterStore adapters, ServerOptions options) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Loads a model, telling stage and part done.</summary>
    /// <exception cref="RefusalException">It cannot be loaded, or another one is and <paramref name="replace"/> is not set.</exception>
    public async Task<EngineSession> LoadAsync(ModelCandidate candidate, bool replace, Action<LoadStage, float> progress, CancellationToken cancellation)
    {
        await EnterAsync();
        try
        {
            RefuseSecond(replace);
            progress(LoadStage.Verifying, 0);
            var model = await VerifyAsync(candidate, new Progress(progress), cancellation);
            if (supervisor.Status.State is not EngineState.NoModel)
            {
                progress(LoadStage.Draining, 0);
                await TakeOutAsync(EngineState.Starting, options.DrainTimeout, cancellation);
            }
            adapters.Rebase(model);
            progress(LoadStage.Loading, 0);
            return await LoadIntoEngineAsync(model, progress, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Takes the model out of service.</summary>
    /// <returns>Streams that ended by themselves, and those that were cancelled.</returns>
    /// <exception cref="RefusalException">Nothing is loaded, or something of another name.</exception>
    public async Task<(int Finished, int Cancelled)> UnloadAsync(string name, TimeSpan drain, CancellationToken cancellation)
    {
        await EnterAsync();
        try
        {
            var status = supervisor.Status;
            if (status.State is EngineState.NoModel)
                throw new RefusalException(status.ToRefusal());
            if (name.Length > 0 && status.Session is { } session && session.Model.Name != name)
                throw new RefusalException(Refusal.ModelNotFound(name));
            return await TakeOutAsync(EngineState.NoModel, drain, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private async Task EnterAsync()
    {
        if (!await _one.WaitAsync(TimeSpan.Zero))
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_CHANGE_IN_PROGRESS", "another model is being loaded or unloaded; try again when that is done")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            });
        }
    }

    private void RefuseSecond(bool replace)
    {
        var status = supervisor.Status;
        if (!replace && status.State is EngineState.Serving or EngineState.Restarting or EngineState.Starting)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_LOADED",
                $"'{status.Session?.Model.Name}' is loaded; set replace to drain and replace it, or unload it first"));
        }
        if (status.State is EngineState.Draining)
            throw new RefusalException(Refusal.Draining);
    }

    private async Task<ServedModel> VerifyAsync(ModelCandidate candidate, IProgress<float> progress, CancellationToken cancellation)
    {
        try
        {
            return await library.VerifyAsync(candidate, progress, cancellation);
        }
        catch (ModelFileException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_INVALID", error.Message)
            {
                Metadata = new Dictionary<string, string> { ["field"] = error.Field, ["found"] = error.Found, ["allowed"] = error.Allowed },
            });
        }
    }

    // Whoever asked may go away in the middle of the drain: the model is out of service all the same.
    private async Task<(int Finished, int Cancelled)> TakeOutAsync(EngineState meanwhile, TimeSpan drain, CancellationToken cancellation)
    {
        var session = supervisor.Withdraw(meanwhile);
        var counts = session is null ? default : await StreamDrain.RunAsync(session, drain, cancellation);
        await supervisor.EndAsync(meanwhile);
        return counts;
    }

    private async Task<EngineSession> LoadIntoEngineAsync(ServedModel model, Action<LoadStage, float> progress, CancellationToken cancellation)
    {
        try
        {
            return await supervisor.LoadAsync(model, frame => progress(StageOf(frame), frame.Fraction), cancellation);
        }
        catch (EngineDiedException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_KILLS_ENGINE", error.Message));
        }
    }

    private static LoadStage StageOf(Wire.LoadProgress frame) =>
        frame.Stage.StartsWith("warm", StringComparison.Ordinal) ? LoadStage.WarmingUp : LoadStage.Loading;

    private sealed class Progress(Action<LoadStage, float> report) : IProgress<float>
    {
        public void Report(float value) => report(LoadStage.Verifying, value);
    }
}
