using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace InferenceHost.Cli.Tests.Fakes;

/// <summary>A gRPC server on a free port that records what it is asked and answers what a test told it to.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeServer(WebApplication app, Script script)
    {
        _app = app;
        Script = script;
        Endpoint = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public Uri Endpoint { get; }

    public Script Script { get; }

    public static async Task<FakeServer> StartAsync(Script? script = null)
    {
        script ??= new Script();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(script);
        WebApplication app = builder.Build();
        app.MapGrpcService<FakeInference>();
        app.MapGrpcService<FakeModels>();
        app.MapGrpcService<FakeAdapters>();
        app.MapGrpcService<FakeOperations>();
        await app.StartAsync();
        return new FakeServer(app, script);
    }

    public Task<CliRun> RunAsync(params string[] args) => CliRun.RunAsync(Endpoint, args);

    public Task<CliRun> RunWithInputAsync(string input, params string[] args) => CliRun.RunAsync(Endpoint, input, default, args);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
