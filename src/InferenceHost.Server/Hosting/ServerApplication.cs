using System.Net;
using Google.Protobuf.Reflection;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Services;
using InferenceHost.Server.Streaming;
using InferenceHost.Server.Supervision;
using InferenceHost.Server.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Hosting;

/// <summary>Puts the parts together: Kestrel, gRPC, our services. Nothing is configured from the environment, nothing is registered that is not used.</summary>
internal static class ServerApplication
{
    // Connections that are still open when every call has ended get this long to close.
    private static readonly TimeSpan s_shutdownTimeout = TimeSpan.FromSeconds(5);

    public static WebApplication Build(ServerOptions options, ServerSeams seams)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, options, seams.Time));
        builder.Logging.AddProvider(new LineLoggerProvider(seams.Log, seams.Time));
        builder.Logging.SetMinimumLevel(options.Verbose ? LogLevel.Information : LogLevel.Warning);
        // gRPC logs an error with its stack for every message that cannot be read; what fails inside the server is logged by the interceptor.
        builder.Logging.AddFilter("Grpc", options.Verbose ? LogLevel.Information : LogLevel.None);
        var services = builder.Services;
        services.AddRoutingCore();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = s_shutdownTimeout);
        // Signals are ours: the first one drains.
        services.AddSingleton<IHostLifetime, NoLifetime>();
        AddParts(services, options, seams);
        AddGrpc(services, options);

        var app = builder.Build();
        app.UseMiddleware<ErrorDetailsMiddleware>();
        app.MapGrpcService<InferenceService>();
        app.MapGrpcService<ModelsService>();
        app.MapGrpcService<AdaptersService>();
        app.MapGrpcService<OperationsService>();
        app.MapGrpcService<HealthService>();
        if (options.Reflection)
            app.MapGrpcReflectionService();
        return app;
    }

    private static void AddParts(IServiceCollection services, ServerOptions options, ServerSeams seams)
    {
        services.AddSingleton(options);
        services.AddSingleton(seams.Time);
        services.AddSingleton(seams.Tenants);
        var launcher = new WorkerProcessLauncher(options.WorkerPath);
        services.AddSingleton(seams.Launcher ?? launcher);
        services.AddSingleton(seams.Probe ?? new ProcessAdapterProbe(launcher));
        services.AddSingleton<AdapterStore>();
        services.AddSingleton<ModelLibrary>();
        services.AddSingleton<ModelLifecycle>();
        services.AddSingleton(new SupervisionOptions(options.HeartbeatTimeout, options.StepTimeout, MaxLoadDeaths: 3, ShutdownPatience: TimeSpan.FromSeconds(2)));
        services.AddSingleton<Func<ServedModel, Wire.LoadModel>>(model => LoadFrame.Build(options, model));
        services.AddSingleton<EngineSupervisor>();
        services.AddSingleton<ServerCounters>();
        services.AddSingleton(new StallMonitor(seams.Time, options.StallTimeout));
        services.AddSingleton<ResponsePump>();
        services.AddSingleton<CallGate>();
        services.AddSingleton<CallInterceptor>();
        services.AddSingleton<HealthService>();
        services.AddSingleton<InferenceService>();
        services.AddSingleton<ModelsService>();
        services.AddSingleton<AdaptersService>();
        services.AddSingleton<OperationsService>();
    }

    private static void AddGrpc(IServiceCollection services, ServerOptions options)
    {
        var grpc = services.AddGrpc(settings =>
        {
            settings.MaxReceiveMessageSize = options.MaxReceiveMessageBytes;
            settings.MaxSendMessageSize = options.MaxSendMessageBytes;
            settings.Interceptors.Add<CallInterceptor>();
        });
        if (options.ListenHttp is not null)
        {
            grpc.AddJsonTranscoding(json => json.TypeRegistry = TypeRegistry.FromFiles(
                Google.Rpc.ErrorDetailsReflection.Descriptor, InferenceReflection.Descriptor));
        }
        if (options.Reflection)
            services.AddGrpcReflection();
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options, TimeProvider time)
    {
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        limits.Http2.MaxStreamsPerConnection = options.MaxCallsPerConnection;
        // A peer that vanished without closing is found out within a minute.
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        // Streams may idle in both directions; the stall monitor looks after readers that stop.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestBodySize = 2L * options.MaxReceiveMessageBytes;
        Listen(kestrel, options.Listen, listener =>
        {
            listener.Protocols = HttpProtocols.Http2;
            listener.Use(next => WindowPipeReader.Watch(next, time));
        });
        if (options.ListenHttp is { } http)
            Listen(kestrel, http, listener => listener.Protocols = HttpProtocols.Http1);
    }

    private static void Listen(KestrelServerOptions kestrel, string url, Action<ListenOptions> configure)
    {
        if (!ListenAddress.TryParse(url, out var address, out var error))
            throw new StartupException($"'{url}' is no address to listen on: {error}", "Correct --listen.", StartupException.UsageExitCode);
        if (address.UnixPath is { } path)
            kestrel.ListenUnixSocket(path, configure);
        else
            kestrel.Listen(new IPEndPoint(address.Address!, address.Port), configure);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
