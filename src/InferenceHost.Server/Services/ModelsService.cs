using System.Threading.Channels;
using Grpc.Core;
using InferenceHost.ModelFiles;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Services;

/// <summary>The catalogue, and loading and unloading at run time.</summary>
internal sealed class ModelsService(ModelLibrary library, ModelLifecycle lifecycle, EngineSupervisor supervisor) : Models.ModelsBase
{
    private const int DefaultDrainSeconds = 30;
    private const int MaxDrainSeconds = 3600;

    /// <inheritdoc/>
    public override Task<ListModelsResponse> List(ListModelsRequest request, ServerCallContext context)
    {
        var response = new ListModelsResponse();
        var loaded = supervisor.Status.Session?.Model;
        if (loaded is not null)
            response.Models.Add(ModelMessages.Info(new ModelCandidate(loaded.Name, loaded.Path, loaded.Entry), loaded.Summary, isLoaded: true));
        foreach (var candidate in library.List())
        {
            if (candidate.Path != loaded?.Path)
                response.Models.Add(ModelMessages.Info(candidate, ModelMessages.TrySummary(candidate), isLoaded: false));
        }
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override Task<DescribeModelResponse> Describe(DescribeModelRequest request, ServerCallContext context)
    {
        var session = supervisor.Status.Session;
        if (session is not null && (request.Model.Length == 0 || request.Model == session.Model.Name))
            return Task.FromResult(ModelMessages.Describe(session));
        if (request.Model.Length == 0)
            throw new RefusalException(supervisor.Status.ToRefusal());
        var candidate = library.FindByName(request.Model) ?? throw new RefusalException(Refusal.ModelNotFound(request.Model));
        try
        {
            return Task.FromResult(ModelMessages.Describe(candidate));
        }
        catch (ModelFileException error)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "MODEL_INVALID", error.Message));
        }
    }

    /// <inheritdoc/>
    public override async Task Load(LoadModelRequest request, IServerStreamWriter<LoadModelResponse> responseStream, ServerCallContext context)
    {
        var candidate = Find(request);
        // Progress comes from other threads and faster than it can be written: the newest is enough.
        var progress = Channel.CreateBounded<LoadModelResponse>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var loading = LoadAsync(candidate, request.Replace, progress.Writer, context.CancellationToken);
        await foreach (var message in progress.Reader.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(message);
        var session = await loading;
        await responseStream.WriteAsync(new LoadModelResponse { Stage = LoadStage.Ready, Fraction = 1, Model = ModelMessages.Describe(session) });
    }

    /// <inheritdoc/>
    public override async Task<UnloadModelResponse> Unload(UnloadModelRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var seconds = request.HasDrainTimeoutSeconds ? request.DrainTimeoutSeconds : DefaultDrainSeconds;
        violations.Range("drain_timeout_seconds", seconds, 0, MaxDrainSeconds);
        violations.ThrowIfAny();
        var (finished, cancelled) = await lifecycle.UnloadAsync(request.Model, TimeSpan.FromSeconds(seconds), context.CancellationToken);
        return new UnloadModelResponse { Finished = finished, Cancelled = cancelled };
    }

    private async Task<EngineSession> LoadAsync(ModelCandidate candidate, bool replace, ChannelWriter<LoadModelResponse> progress, CancellationToken cancellation)
    {
        try
        {
            return await lifecycle.LoadAsync(
                candidate, replace, (stage, fraction) => progress.TryWrite(new LoadModelResponse { Stage = stage, Fraction = fraction }), cancellation);
        }
        finally
        {
            progress.TryComplete();
        }
    }

    private ModelCandidate Find(LoadModelRequest request)
    {
        if (request.Model.Length > 0 == request.Path.Length > 0)
            throw new RefusalException(Refusal.Field("model", request.Model.Length > 0 ? "model and path" : "neither model nor path", "exactly one of them"));
        if (request.Model.Length > 0)
            return library.FindByName(request.Model) ?? throw new RefusalException(Refusal.ModelNotFound(request.Model));
        return (Path.IsPathRooted(request.Path) ? ModelLibrary.FindByPath(request.Path) : null) ?? throw new RefusalException(
            new Refusal(RefusalKind.NotFound, "MODEL_FILE_NOT_FOUND", $"there is no file '{request.Path}' on the server; give an absolute path") { Resource = ("file", request.Path) });
    }
}
