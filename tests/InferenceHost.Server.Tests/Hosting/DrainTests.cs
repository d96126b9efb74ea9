using Grpc.Core;
using Grpc.Health.V1;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Hosting;

public sealed class DrainTests
{
    [Fact]
    public async Task RunningStreamFinishesAndNewCallsAreRefusedMeanwhile()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { DrainTimeout = TimeSpan.FromSeconds(60) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var stopping = server.Running.StopAsync(CancellationToken.None);

        using var late = server.Inference.Generate(new GenerateRequest { Prompt = "echo late" });
        var refused = await late.ReadAllAsync().FailureAsync();
        Assert.Equal((StatusCode.Unavailable, "DRAINING"), (refused.StatusCode, refused.Info().Reason));
        Assert.True(refused.RetryMs() > 0);
        Assert.Equal("draining", (await server.Operations.GetStatsAsync(new GetStatsRequest())).State);
        var health = await new Health.HealthClient(server.Channel).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, health.Status);

        server.Engine.Emit(id, "done", 1);
        server.Engine.Finish(id, 1, 1);
        var messages = await call.ReadAllAsync();
        Assert.Equal(("done", FinishReason.Stop), (messages.Text(), messages[^1].FinishReason));
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("exit code 0", await server.Engine.Exited);
    }

    [Fact]
    public async Task StreamThatTakesTooLongEndsAsCancelledWithUsageAndTrailers()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { DrainTimeout = TimeSpan.FromMilliseconds(100) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Emit(id, "par", 1, 2);
        await call.NextAsync();
        var stopping = server.Running.StopAsync(CancellationToken.None);
        await server.Engine.CancelOfAsync(id);

        // The engine says nothing more: the server ends the stream itself.
        var last = (await call.ReadAllAsync())[^1];
        Assert.Equal((FinishReason.Cancelled, 2), (last.FinishReason, last.Usage.CompletionTokens));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task EngineThatAnswersTheCancellationHasTheLastWord()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { DrainTimeout = TimeSpan.FromMilliseconds(50) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var stopping = server.Running.StopAsync(CancellationToken.None);
        await server.Engine.CancelOfAsync(id);
        server.Engine.Finish(id, (int)FinishReason.Cancelled, 41);
        Assert.Equal(41, (await call.ReadAllAsync())[^1].Usage.CompletionTokens);
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task HurryEndsAtOnce()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { DrainTimeout = TimeSpan.FromHours(1) });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        await server.Engine.NextSubmitAsync();
        using var hurry = new CancellationTokenSource();
        var stopping = server.Running.StopAsync(hurry.Token);
        Assert.False(stopping.IsCompleted);
        await hurry.CancelAsync();
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        // Its last message may or may not have made it; it does not hang.
        await Record.ExceptionAsync(() => call.ReadAllAsync().WaitAsync(TimeSpan.FromSeconds(30)));
        await server.Engine.Exited.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task FolderOfTheSocketsIsPrivateAndGoesAway()
    {
        string? folder = null;
        var script = new Script();
        await using (var server = await TestServer.StartAsync(script))
        {
            folder = server.Engine.SocketFolder;
            Assert.True(Directory.Exists(folder));
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }
        Assert.False(Directory.Exists(folder));
    }
}
