using System.Net.Sockets;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Tests.Scripted;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker.Tests;

public sealed class FrameEncoderTests
{
    [Fact]
    public void FramesReadBackAsWhatTheLoopPublished()
    {
        using var pair = new SocketPair();
        using var engine = new NullEngine(8);
        using var loop = new EngineLoop(engine, new FrameEncoder(new ServerLink(pair.Worker)), new LoopOptions { Scheduling = new SchedulerOptions { Parallel = 8, MaxBatchTokens = 64 } });
        loop.Submit(Request(1, 5, null));
        loop.Submit(Request(ulong.MaxValue, 3, 2));
        var deltas = new List<Protocol.Worker.V1.SequenceDelta>();
        while (loop.Step()) ;
        pair.Worker.Shutdown(SocketShutdown.Send);
        foreach (var frame in pair.ReadFrames()) deltas.AddRange(frame.Frame.Deltas);

        var plain = deltas.Where(d => d.SequenceId == 1).ToList();
        Assert.Equal(5, plain.Sum(d => d.TokenIds.Count));
        Assert.Equal("xxxxx", string.Concat(plain.Select(d => d.Text.ToStringUtf8())));
        Assert.Empty(plain.SelectMany(d => d.Logprobs));
        Assert.Equal([3, 0, 0, 0, 0], plain.Select(d => d.PromptTokens));
        Assert.Equal(3, plain[^1].Finish.Reason);
        Assert.Equal(5, plain[^1].Finish.CompletionTokens);
        Assert.All(plain.SkipLast(1), d => Assert.Null(d.Finish));

        var probable = deltas.Where(d => d.SequenceId == ulong.MaxValue).ToList();
        var logprobs = probable.SelectMany(d => d.Logprobs).ToList();
        Assert.Equal(3, logprobs.Count);
        Assert.All(logprobs, l => Assert.Equal(7, l.Id));
        Assert.All(logprobs, l => Assert.Equal(2, l.AlternativeIds.Count));
        Assert.All(logprobs, l => Assert.Equal(2, l.AlternativeLogProbabilities.Count));
        Assert.All(logprobs, l => Assert.InRange(l.LogProbability, -5, 0));
    }

    [Fact]
    public void RefusalArrivesWithFieldAndNumbers()
    {
        using var pair = new SocketPair();
        using var engine = new NullEngine(4, poolTokens: 64);
        using var loop = new EngineLoop(engine, new FrameEncoder(new ServerLink(pair.Worker)), new LoopOptions { Scheduling = new SchedulerOptions { Parallel = 4, MaxBatchTokens = 64 } });
        loop.Submit(Request(9, 100, null));
        while (loop.Step()) ;
        pair.Worker.Shutdown(SocketShutdown.Send);
        var failure = Assert.Single(Assert.Single(pair.ReadFrames()).Frame.Deltas).Finish.Failure;
        Assert.Equal(FailureKind.InvalidArgument, failure.Kind);
        Assert.Equal("max_tokens", failure.Field);
        Assert.Equal((100, 61), (failure.Found, failure.Allowed));
    }

    [Fact]
    public void StepsOfRunningSequencesAreSentWithoutAllocating()
    {
        using var pair = new SocketPair();
        using var engine = new NullEngine(4);
        using var loop = new EngineLoop(engine, new FrameEncoder(new ServerLink(pair.Worker)), new LoopOptions { Scheduling = new SchedulerOptions { Parallel = 4, MaxBatchTokens = 64 } });
        for (var id = 1ul; id <= 4; id++) loop.Submit(Request(id, 1000, null));
        // Nobody reads: more frames than these might not fit into the socket.
        for (var i = 0; i < 30; i++) loop.Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) loop.Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void MutedEncoderSendsNothing()
    {
        using var pair = new SocketPair();
        using var engine = new NullEngine(4);
        using var loop = new EngineLoop(engine, new FrameEncoder(new ServerLink(pair.Worker)) { IsMuted = true }, new LoopOptions { Scheduling = new SchedulerOptions { Parallel = 4, MaxBatchTokens = 64 } });
        loop.Submit(Request(1, 5, null));
        while (loop.Step()) ;
        pair.Worker.Shutdown(SocketShutdown.Send);
        Assert.Empty(pair.ReadFrames());
    }

    [Fact]
    public void FrameOfImpossibleLengthIsAnError()
    {
        using var pair = new SocketPair();
        pair.Server.Send([0xFF, 0xFF, 0xFF, 0x7F]);
        Assert.Throws<InvalidDataException>(() => new ServerLink(pair.Worker).TryReceive(out _));
    }

    [Fact]
    public void ClosedConnectionEndsReceiving()
    {
        using var pair = new SocketPair();
        pair.Server.Dispose();
        Assert.False(new ServerLink(pair.Worker).TryReceive(out _));
    }

    private static SequenceRequest Request(ulong id, int tokens, int? logprobs) => new()
    {
        Id = new SequenceId(id),
        Tenant = "t",
        Prompt = new[] { 1, 2, 3 },
        MaxNewTokens = tokens,
        Sampling = SamplingParameters.Greedy with { Logprobs = logprobs },
    };
}
