using Grpc.Net.Client;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Adapters;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Tests.Scripted;

/// <summary>A whole server over a scripted engine, on a free port, with a channel to it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly StringWriter _log;

    private TestServer(RunningServer running, ScriptedLauncher launcher, ScriptedEngine engine, StringWriter log)
    {
        Running = running;
        Launcher = launcher;
        Engine = engine;
        _log = log;
        Channel = NewChannel();
        Inference = new Inference.InferenceClient(Channel);
        Operations = new Operations.OperationsClient(Channel);
    }

    public RunningServer Running { get; }

    public ScriptedLauncher Launcher { get; }

    /// <summary>The first engine.</summary>
    public ScriptedEngine Engine { get; }

    public GrpcChannel Channel { get; }

    public Inference.InferenceClient Inference { get; }

    public Operations.OperationsClient Operations { get; }

    /// <summary>What the server wrote to its log.</summary>
    public string Log => _log.ToString();

    public static ServerOptions DefaultOptions { get; } = new()
    {
        Listen = "http://127.0.0.1:0",
        Model = "scripted",
        DrainTimeout = TimeSpan.FromSeconds(5),
    };

    public static async Task<TestServer> StartAsync(
        Script? script = null, Func<ServerOptions, ServerOptions>? configure = null, ServedModel? model = null, IAdapterProbe? probe = null)
    {
        var launcher = new ScriptedLauncher(script ?? new Script());
        var log = new StringWriter();
        var options = configure is null ? DefaultOptions : configure(DefaultOptions);
        var served = model ?? new ServedModel("scripted", "/models/scripted.gguf");
        var seams = new ServerSeams { Launcher = launcher, Model = _ => served, Probe = probe, Log = TextWriter.Synchronized(log) };
        var running = await ServerStart.StartAsync(options, seams, CancellationToken.None);
        return new TestServer(running, launcher, await launcher.NextAsync(), log);
    }

    public GrpcChannel NewChannel(GrpcChannelOptions? options = null) => GrpcChannel.ForAddress(Running.Endpoint, options ?? new GrpcChannelOptions());

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await Running.DisposeAsync();
    }
}
