using Grpc.Core;
using Grpc.Health.V1;
using InferenceHost.Protocol.V1;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Hosting;
using InferenceHost.Server.Supervision;
using InferenceHost.Server.Tests.Scripted;
using Microsoft.Extensions.Logging.Abstractions;
using TokenizeRequest = InferenceHost.Protocol.V1.TokenizeRequest;
using Usage = InferenceHost.Protocol.V1.Usage;

namespace InferenceHost.Server.Tests.Supervision;

public sealed class RestartTests
{
    [Fact]
    public async Task DeathInMidStreamEndsTheCallWithUsageAndTheNextCallSucceeds()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Send(new FromWorker
        {
            Frame = new TokenFrame
            {
                Deltas = { new SequenceDelta { SequenceId = id, TokenIds = { 4, 5 }, Text = Google.Protobuf.ByteString.CopyFromUtf8("hi"), PromptTokens = 11, CachedPromptTokens = 2 } },
            },
        });
        Assert.Equal("hi", (await call.NextAsync()).Text);
        server.Engine.Kill();

        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal("ENGINE_RESTARTED", error.Info().Reason);
        var usage = error.GetRpcStatus()!.GetDetail<Usage>()!;
        Assert.Equal((11, 2, 2), (usage.PromptTokens, usage.CachedPromptTokens, usage.CompletionTokens));

        var second = await server.Launcher.NextAsync();
        Assert.Equal(2, second.Number);
        await ServingAsync(server);
        using var next = server.Inference.Generate(new GenerateRequest { Prompt = "echo again" });
        Assert.Equal("again", (await next.ReadAllAsync()).Text());
        var stats = await server.Operations.GetStatsAsync(new GetStatsRequest());
        Assert.Equal((1, "serving", second.ProcessId), (stats.EngineRestarts, stats.State, stats.EngineProcessId));
    }

    [Fact]
    public async Task UnaryCallOfADeadEngineIsUnavailableWithRetryInfo()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var script = new Script { Before = (_, message) => message.BodyCase == ToWorker.BodyOneofCase.Tokenize && arrived.TrySetResult() };
        await using var server = await TestServer.StartAsync(script);
        var call = server.Inference.TokenizeAsync(new TokenizeRequest { Text = "x" }).ResponseAsync;
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(20));
        server.Engine.Kill();
        var error = await call.FailureAsync();
        Assert.Equal((StatusCode.Unavailable, "ENGINE_RESTARTED"), (error.StatusCode, error.Info().Reason));
        Assert.True(error.RetryMs() > 0);
    }

    [Fact]
    public async Task HealthFollowsTheEngine()
    {
        using var hold = new ManualResetEventSlim();
        var script = new Script { Before = (engine, message) => engine.Number == 2 && message.LoadModel is not null && Wait(hold) };
        await using var server = await TestServer.StartAsync(script);
        var health = new Health.HealthClient(server.Channel);
        using var watch = health.Watch(new HealthCheckRequest { Service = "inferencehost.v1.Inference" });
        await Next(watch, HealthCheckResponse.Types.ServingStatus.Serving);
        server.Engine.Kill();
        await Next(watch, HealthCheckResponse.Types.ServingStatus.NotServing);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await health.CheckAsync(new HealthCheckRequest())).Status);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest { Service = "inferencehost.v1.Operations" })).Status);
        var refused = await server.Inference.TokenizeAsync(new TokenizeRequest { Text = "x" }).ResponseAsync.FailureAsync();
        Assert.Equal((StatusCode.Unavailable, "ENGINE_RESTARTING"), (refused.StatusCode, refused.Info().Reason));
        Assert.True(refused.RetryMs() > 0);
        hold.Set();
        await Next(watch, HealthCheckResponse.Types.ServingStatus.Serving);
    }

    [Fact]
    public async Task EngineWithoutHeartbeatsIsKilledAndStartedAgain()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { HeartbeatTimeout = TimeSpan.FromSeconds(1) });
        server.Engine.StopHeartbeat();
        await server.Engine.Exited.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(2, (await server.Launcher.NextAsync()).Number);
    }

    [Fact]
    public async Task EngineInAnEndlessStepIsKilledAndStartedAgain()
    {
        var script = new Script();
        await using var server = await TestServer.StartAsync(script, o => o with { StepTimeout = TimeSpan.FromSeconds(1), HeartbeatTimeout = TimeSpan.FromSeconds(1) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        await server.Engine.NextSubmitAsync();
        script.StepAgeMs = 1500;
        var error = await call.ReadAllAsync().FailureAsync();
        script.StepAgeMs = 0;
        Assert.Equal("ENGINE_RESTARTED", error.Info().Reason);
        Assert.Contains("one engine call takes more than 1 s", error.Status.Detail, StringComparison.Ordinal);
        await ServingAsync(server);
    }

    [Fact]
    public async Task ModelThatKillsTheEngineAtEveryRestartStaysNotServingWithTheReason()
    {
        var script = new Script
        {
            Before = (engine, message) =>
            {
                if (engine.Number == 1 || message.LoadModel is null)
                    return false;
                engine.Kill();
                return true;
            },
        };
        await using var server = await TestServer.StartAsync(script);
        server.Engine.Kill();
        var supervisor = (EngineSupervisor)server.Running.Services.GetService(typeof(EngineSupervisor))!;
        await StateAsync(supervisor, EngineState.Failed);
        Assert.Equal(4, server.Launcher.Count);
        Assert.Contains("died 3 times in a row while loading", supervisor.Status.Reason, StringComparison.Ordinal);
        var error = await server.Inference.TokenizeAsync(new TokenizeRequest { Text = "x" }).ResponseAsync.FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, "MODEL_FAILED"), (error.StatusCode, error.Info().Reason));
        var stats = await server.Operations.GetStatsAsync(new GetStatsRequest());
        Assert.Equal("failed", stats.State);
        Assert.NotEmpty(stats.Reason);
    }

    [Fact]
    public async Task ProcessThatDiedWhileLoadingIsFollowedByOneWithLlamaCppsCodeAlone()
    {
        var script = new Script
        {
            Before = (engine, message) =>
            {
                if (engine.Number != 1 || message.LoadModel is null)
                    return false;
                Assert.False(message.LoadModel.Plain);
                engine.Kill();
                return true;
            },
        };
        await using var server = await TestServer.StartAsync(script);
        Assert.Equal(2, server.Launcher.Count);
        Assert.True(Assert.Single(script.Loads).Plain);
    }

    [Fact]
    public async Task ThreeDeathsInARowLeaveEverythingToLlamaCppsCode()
    {
        var script = new Script();
        await using var server = await TestServer.StartAsync(script);
        var engine = server.Engine;
        for (var death = 0; death < 3; death++)
        {
            engine.Kill();
            engine = await server.Launcher.NextAsync();
            await ServingAsync(server);
        }
        Assert.Equal([false, false, false, true], script.Loads.Select(l => l.Plain));
    }

    [Fact]
    public async Task StartFailsWithTheEnginesLastWordsWhereItNeverComesUp()
    {
        var launcher = new ScriptedLauncher(new Script { DiesBeforeConnecting = _ => true });
        var seams = new ServerSeams { Launcher = launcher, Model = _ => new ServedModel("m", "/m.gguf"), Log = TextWriter.Null };
        var error = await Assert.ThrowsAsync<StartupException>(() => ServerStart.StartAsync(TestServer.DefaultOptions, seams, CancellationToken.None));
        Assert.Equal(StartupException.EngineExitCode, error.ExitCode);
        Assert.Contains("scripted: no such device", error.Message, StringComparison.Ordinal);
        Assert.Contains("exit code 134", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
    }

    [Fact]
    public async Task StartFailsWithTheEnginesReasonWhereItRefusesTheModel()
    {
        var script = new Script
        {
            Before = (engine, message) =>
            {
                if (message.LoadModel is null)
                    return false;
                engine.Send(new FromWorker { CallId = message.CallId, Failure = new Failure { Kind = FailureKind.FailedPrecondition, Reason = "NO_DEVICE", Message = "no CUDA device" } });
                return true;
            },
        };
        var seams = new ServerSeams { Launcher = new ScriptedLauncher(script), Model = _ => new ServedModel("m", "/m.gguf"), Log = TextWriter.Null };
        var error = await Assert.ThrowsAsync<StartupException>(() => ServerStart.StartAsync(TestServer.DefaultOptions, seams, CancellationToken.None));
        Assert.Contains("no CUDA device", error.Message, StringComparison.Ordinal);
        Assert.Contains("--device cpu", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EngineOfAnotherBuildIsRefused()
    {
        var seams = new ServerSeams { Launcher = new ScriptedLauncher(new Script { ProtocolVersion = 99 }), Model = _ => new ServedModel("m", "/m.gguf"), Log = TextWriter.Null };
        var error = await Assert.ThrowsAsync<StartupException>(() => ServerStart.StartAsync(TestServer.DefaultOptions, seams, CancellationToken.None));
        Assert.Contains("version 99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BytesThatAreNoFrameEndTheEngineNotTheServer()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        await server.Engine.NextSubmitAsync();
        server.Engine.SendRaw([0xff, 0xff, 0xff, 0x7f]);
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal("ENGINE_RESTARTED", error.Info().Reason);
        Assert.Contains("malformed frame", error.Status.Detail, StringComparison.Ordinal);
        await ServingAsync(server);
    }

    [Fact]
    public async Task SecondLoadIsRefusedWhileOneIsServed()
    {
        var script = new Script();
        await using var supervisor = new EngineSupervisor(
            new ScriptedLauncher(script), new SupervisionOptions(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), 3, TimeSpan.FromSeconds(1)),
            model => new LoadModel { Path = model.Path }, TimeProvider.System, NullLogger<EngineSupervisor>.Instance);
        await supervisor.LoadAsync(new ServedModel("a", "/a"), null, CancellationToken.None);
        var error = await Assert.ThrowsAsync<RefusalException>(() => supervisor.LoadAsync(new ServedModel("b", "/b"), null, CancellationToken.None));
        Assert.Equal(RefusalKind.FailedPrecondition, error.Refusal.Kind);
        supervisor.Withdraw();
        await supervisor.EndAsync();
        Assert.Equal(EngineState.NoModel, supervisor.Status.State);
        var session = await supervisor.LoadAsync(new ServedModel("b", "/b"), null, CancellationToken.None);
        Assert.Equal("b", session.Model.Name);
        Assert.Equal(["/a", "/b"], script.Loads.Select(l => l.Path));
    }

    internal static Task ServingAsync(TestServer server) =>
        StateAsync((EngineSupervisor)server.Running.Services.GetService(typeof(EngineSupervisor))!, EngineState.Serving);

    private static async Task StateAsync(EngineSupervisor supervisor, EngineState state)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        supervisor.StatusChanged += status =>
        {
            if (status.State == state)
                reached.TrySetResult();
        };
        if (supervisor.Status.State == state)
            return;
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static async Task Next(AsyncServerStreamingCall<HealthCheckResponse> watch, HealthCheckResponse.Types.ServingStatus expected)
    {
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(expected, watch.ResponseStream.Current.Status);
    }

    private static bool Wait(ManualResetEventSlim hold)
    {
        hold.Wait(TimeSpan.FromSeconds(20));
        return false;
    }
}
