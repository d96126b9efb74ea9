using InferenceHost.Protocol.V1;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Streaming;

public sealed class StallTests
{
    private const int ResetStream = 3;
    private const int Headers = 1;
    private const int Data = 0;

    [Fact]
    public async Task ReaderThatNeverOpensItsWindowIsEvictedAndTheOthersAreNotMoved()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { StallTimeout = TimeSpan.FromSeconds(1) });
        using var other = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var otherId = (await server.Engine.NextSubmitAsync()).SequenceId;
        using var raw = new RawHttp2Client(server.Running.Endpoint, initialWindow: 0);
        raw.Call(1, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "wait" });
        var stalledId = (await server.Engine.NextSubmitAsync()).SequenceId;

        // More than Kestrel keeps for a stream (4 KiB).
        for (var i = 0; i < 10; i++)
            server.Engine.Emit(stalledId, new string('x', 1000), 1);
        server.Engine.Emit(otherId, "read", 2);
        Assert.Equal("read", (await other.NextAsync()).Text);
        await server.Engine.CancelOfAsync(stalledId);
        Assert.True(await Task.Run(() => raw.ReadUntil(ResetStream, 1)));

        server.Engine.Emit(otherId, "on", 2);
        Assert.Equal("on", (await other.NextAsync()).Text);
        server.Engine.Finish(otherId, 1, 2);
        Assert.Equal(FinishReason.Stop, (await other.ReadAllAsync())[^1].FinishReason);
        Assert.Equal(1, (await server.Operations.GetStatsAsync(new GetStatsRequest())).StalledStreams);
    }

    [Fact]
    public async Task StreamsOnTheSameConnectionOutliveTheEvictedOne()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { StallTimeout = TimeSpan.FromSeconds(1) });
        // A window of 64 bytes: enough for one small message, not for the large one.
        using var raw = new RawHttp2Client(server.Running.Endpoint, initialWindow: 64);
        raw.Call(1, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "wait" });
        var stalledId = (await server.Engine.NextSubmitAsync()).SequenceId;
        raw.Call(3, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "wait" });
        var otherId = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Emit(stalledId, new string('x', 9000), 1);
        Assert.True(await Task.Run(() => raw.ReadUntil(ResetStream, 1)));
        server.Engine.Emit(otherId, "y", 1);
        Assert.True(await Task.Run(() => raw.ReadUntil(Data, 3)));
        server.Engine.Finish(otherId, 1, 1);
        Assert.True(await Task.Run(() => raw.ReadUntil(Headers, 3)));
    }

    [Fact]
    public async Task ReaderThatDoesNotTakeAFewBytesIsEvictedEvenAfterTheGenerationHasEnded()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { StallTimeout = TimeSpan.FromSeconds(1) });
        using var raw = new RawHttp2Client(server.Running.Endpoint, initialWindow: 0);
        raw.Call(1, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "echo short" });
        Assert.True(await Task.Run(() => raw.ReadUntil(ResetStream, 1)));
        Assert.Equal(1, (await server.Operations.GetStatsAsync(new GetStatsRequest())).StalledStreams);
    }

    [Fact]
    public async Task ReaderThatOpensItsWindowLaterGetsEverything()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { StallTimeout = TimeSpan.FromSeconds(20) });
        using var raw = new RawHttp2Client(server.Running.Endpoint, initialWindow: 0);
        raw.Call(1, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Emit(id, "abc", 1);
        server.Engine.Finish(id, 1, 1);
        // Its first frame comes with the headers; the data only when the window allows it.
        Assert.True(await Task.Run(() => raw.ReadUntil(Headers, 1)));
        raw.OpenWindow(1, 3);
        Assert.True(await Task.Run(() => raw.ReadUntil(Data, 1)));
        raw.OpenWindow(1, 10_000);
        Assert.True(await Task.Run(() => raw.ReadUntil(Headers, 1)));
        Assert.Equal(0, (await server.Operations.GetStatsAsync(new GetStatsRequest())).StalledStreams);
    }

    [Fact]
    public async Task ReaderWhoseQueueIsFullIsEvictedWithoutWaiting()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { StallTimeout = TimeSpan.FromHours(1) });
        using var raw = new RawHttp2Client(server.Running.Endpoint, initialWindow: 0);
        raw.Call(1, "/inferencehost.v1.Inference/Generate", new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var text = new string('x', 64 * 1024);
        for (var i = 0; i < 20; i++)
            server.Engine.Emit(id, text, 1);
        await server.Engine.CancelOfAsync(id);
        Assert.True(await Task.Run(() => raw.ReadUntil(ResetStream, 1)));
        Assert.Equal(1, (await server.Operations.GetStatsAsync(new GetStatsRequest())).StalledStreams);
    }

    [Fact]
    public async Task DeltasOfOneFrameLeaveAsOneMessage()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        var frame = new Protocol.Worker.V1.FromWorker { Frame = new Protocol.Worker.V1.TokenFrame() };
        for (var i = 0; i < 5; i++)
            frame.Frame.Deltas.Add(ScriptedEngine.Delta(id, "ab", i, i).Frame.Deltas[0]);
        server.Engine.Send(frame);
        server.Engine.Finish(id, 1, 10);
        var messages = await call.ReadAllAsync();
        Assert.Equal("ababababab", messages[0].Text);
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], messages[0].TokenIds);
    }
}
