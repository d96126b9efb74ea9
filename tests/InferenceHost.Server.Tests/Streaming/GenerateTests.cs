using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Streaming;

public sealed class GenerateTests
{
    [Fact]
    public async Task TextAndTokensArriveInOrderAndTheLastMessageHasReasonAndUsage()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo Hello, wörld" });
        var messages = await call.ReadAllAsync();

        Assert.Equal("Hello, wörld", messages.Text());
        Assert.Equal("Hello, wörld".Select(c => (int)c), messages.SelectMany(m => m.TokenIds));
        Assert.All(messages.SkipLast(1), m => Assert.False(m.HasFinishReason));
        Assert.Equal(FinishReason.Stop, messages[^1].FinishReason);
        Assert.Equal(12, messages[^1].Usage.CompletionTokens);
        Assert.Equal(5, messages[^1].Usage.PromptTokens);
    }

    [Fact]
    public async Task FramesInPiecesOfThreeBytesAreTheSameFrames()
    {
        await using var server = await TestServer.StartAsync(new Script { PieceBytes = 3 });
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo pieces" });
        Assert.Equal("pieces", (await call.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task HeadersArriveWithTheFirstMessage()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var submit = await server.Engine.NextSubmitAsync();
        Assert.False(call.ResponseHeadersAsync.IsCompleted);
        server.Engine.Emit(submit.SequenceId, "a", 97);
        Assert.Equal("a", (await call.NextAsync()).Text);
        Assert.True(call.ResponseHeadersAsync.IsCompletedSuccessfully);
        server.Engine.Finish(submit.SequenceId, 3, 1);
        Assert.Equal(FinishReason.MaxTokens, (await call.ReadAllAsync()).Last().FinishReason);
    }

    [Fact]
    public async Task AbsentFieldsGetTheDocumentedDefaults()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var submit = await server.Engine.NextSubmitAsync();
        Assert.Equal((0.8f, 40, 0.95f, 0.05f), (submit.Sampling.Temperature, submit.Sampling.TopK, submit.Sampling.TopP, submit.Sampling.MinP));
        Assert.Equal((1f, 1f, 0f, 0f), (submit.Sampling.TypicalP, submit.Sampling.RepetitionPenalty, submit.Sampling.FrequencyPenalty, submit.Sampling.PresencePenalty));
        Assert.Equal((1, 0, 1f, 0L), (submit.N, submit.Sampling.LogprobsPlusOne, submit.AdapterScale, submit.DeadlineMs));
        Assert.False(submit.HasMaxTokens);
        Assert.Equal("default", submit.Tenant);
        var segment = Assert.Single(submit.Segments);
        Assert.False(segment.ParseSpecial);
        Assert.True(submit.AddBos);
    }

    [Fact]
    public async Task GivenFieldsReachTheEngineAsTheyAre()
    {
        await using var server = await TestServer.StartAsync();
        var request = new GenerateRequest
        {
            PromptTokenIds = { 5, 6, 7 },
            MaxTokens = 9,
            Temperature = 0,
            TopK = 0,
            TopP = 1,
            MinP = 0,
            Seed = ulong.MaxValue,
            Stop = { "stop" },
            StopTokenIds = { 8 },
            IgnoreEos = true,
            Logprobs = 0,
            LogitBias = { [4] = -100 },
            N = 2,
            Priority = Priority.Batch,
        };
        using var call = server.Inference.Generate(request, new Metadata { { "inferencehost-tenant", "acme" } }, DateTime.UtcNow.AddSeconds(60));
        var submit = await server.Engine.NextSubmitAsync();
        Assert.Equal([5, 6, 7], submit.TokenIds);
        Assert.Empty(submit.Segments);
        Assert.False(submit.AddBos);
        Assert.Equal((9, 0f, 0, 1f, 0f), (submit.MaxTokens, submit.Sampling.Temperature, submit.Sampling.TopK, submit.Sampling.TopP, submit.Sampling.MinP));
        Assert.Equal(ulong.MaxValue, submit.Sampling.Seed);
        Assert.Equal(["stop"], submit.Stop);
        Assert.Equal([8], submit.StopTokenIds);
        Assert.True(submit.IgnoreEos);
        Assert.Equal(1, submit.Sampling.LogprobsPlusOne);
        Assert.Equal(-100, submit.Sampling.LogitBias[4]);
        Assert.Equal((2, 1, "acme"), (submit.N, submit.Priority, submit.Tenant));
        Assert.InRange(submit.DeadlineMs, 1, 60_000);
    }

    [Fact]
    public async Task SamplesKeepTheirIndexAndEndOneByOne()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait", N = 2 });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Finish(id, 1, 0, index: 1);
        var ended = await call.NextAsync();
        Assert.Equal((1, FinishReason.Stop), (ended.Index, ended.FinishReason));
        server.Engine.Emit(id, "first", 1);
        server.Engine.Finish(id, 3, 1, index: 0);
        var rest = await call.ReadAllAsync();
        Assert.All(rest, m => Assert.Equal(0, m.Index));
        Assert.Equal("first", rest.Text());
        Assert.Equal(FinishReason.MaxTokens, rest[^1].FinishReason);
    }

    [Fact]
    public async Task CancelledCallIsCancelledInTheEngine()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var submit = await server.Engine.NextSubmitAsync();
        server.Engine.Emit(submit.SequenceId, "a", 97);
        await call.NextAsync();
        call.Dispose();
        await server.Engine.CancelOfAsync(submit.SequenceId);
    }

    [Fact]
    public async Task PassedDeadlineEndsTheCallAndCancelsTheEngine()
    {
        await using var server = await TestServer.StartAsync();
        using var warm = server.Inference.Generate(new GenerateRequest { Prompt = "echo warm" });
        await warm.ReadAllAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" }, deadline: DateTime.UtcNow.AddSeconds(2));
        var submit = await server.Engine.NextSubmitAsync();
        Assert.InRange(submit.DeadlineMs, 1, 2000);
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await server.Engine.CancelOfAsync(submit.SequenceId);
    }

    [Fact]
    public async Task DeltasOfUnknownSequencesAreIgnored()
    {
        await using var server = await TestServer.StartAsync();
        server.Engine.Emit(ulong.MaxValue, "nobody", 1);
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "echo ok" });
        Assert.Equal("ok", (await call.ReadAllAsync()).Text());
    }
}
