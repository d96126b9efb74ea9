using InferenceHost.ModelFiles;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Services;
using InferenceHost.Server.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceHost.Server.Hosting;

/// <summary>The order of a start: options, listeners (a taken port is known at once), model file (while the engine process comes up), load, adapters.</summary>
internal static class ServerStart
{
    public static async Task<RunningServer> StartAsync(ServerOptions options, ServerSeams seams, CancellationToken cancellation)
    {
        options.Validate();
        var app = ServerApplication.Build(options, seams);
        try
        {
            var supervisor = app.Services.GetRequiredService<EngineSupervisor>();
            var health = app.Services.GetRequiredService<HealthService>();
            supervisor.StatusChanged += status => health.SetEngine(status.State == EngineState.Serving);
            var adapters = app.Services.GetRequiredService<AdapterStore>();
            supervisor.BeforeServing = adapters.PrepareAsync;
            supervisor.Prelaunch();
            var verifying = Task.Run(() => VerifyAsync(app.Services.GetRequiredService<ModelLibrary>(), options, seams, cancellation), cancellation);
            await ListenAsync(app, options, cancellation);
            var model = await verifying;
            await adapters.RegisterAtStartAsync(model, cancellation);
            var session = await LoadAsync(supervisor, model, cancellation);
            return new RunningServer(app, options, session);
        }
        catch
        {
            await app.Services.GetRequiredService<EngineSupervisor>().DisposeAsync();
            await app.DisposeAsync();
            throw;
        }
    }

    private static async Task<ServedModel> VerifyAsync(ModelLibrary library, ServerOptions options, ServerSeams seams, CancellationToken cancellation)
    {
        if (seams.Model is { } scripted)
            return scripted(options);
        try
        {
            return await library.VerifyAsync(library.FindConfigured(), progress: null, cancellation);
        }
        catch (ModelFileException error)
        {
            throw new StartupException(error.Message, error.Remedy, StartupException.ModelExitCode, error);
        }
    }

    private static async Task ListenAsync(WebApplication app, ServerOptions options, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            var which = options.ListenHttp is { } http ? $"{options.Listen} or {http}" : options.Listen;
            throw new StartupException($"the address {which} is in use",
                "Another server runs there: end it, or listen elsewhere with --listen http://127.0.0.1:PORT (port 0 = any free one).",
                StartupException.ListenExitCode, error);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException or UnauthorizedAccessException)
        {
            throw new StartupException($"cannot listen on {options.Listen}: {error.Message}",
                "Choose an address of this machine and a port that this user may open with --listen.", StartupException.ListenExitCode, error);
        }
    }

    private static async Task<EngineSession> LoadAsync(EngineSupervisor supervisor, ServedModel model, CancellationToken cancellation)
    {
        try
        {
            return await supervisor.LoadAsync(model, progress: null, cancellation);
        }
        catch (RefusalException error)
        {
            throw new StartupException($"'{model.Name}' cannot be served: {error.Refusal.Message}", RemedyFor(error.Refusal), StartupException.ModelExitCode, error);
        }
        catch (EngineDiedException error)
        {
            throw new StartupException($"'{model.Name}' cannot be served: {error.Message}",
                "Verify the file with 'inferencehost models verify'; with --device cpu, less --context or fewer --adapter the engine needs less memory.",
                StartupException.EngineExitCode, error);
        }
    }

    private static string RemedyFor(Refusal refusal) => refusal.Reason switch
    {
        "NO_DEVICE" or "NO_GPU" or "NO_CUDA" => "Install an NVIDIA driver and the CUDA libraries, or serve on the CPU with --device cpu.",
        _ => "Choose another model with --model PATH, or mend what the message names.",
    };
}
