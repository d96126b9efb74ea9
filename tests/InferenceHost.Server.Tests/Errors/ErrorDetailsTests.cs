using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Protocol.Worker.V1;
using InferenceHost.Server.Tests.Scripted;
using TokenizeRequest = InferenceHost.Protocol.V1.TokenizeRequest;

namespace InferenceHost.Server.Tests.Errors;

public sealed class ErrorDetailsTests
{
    [Fact]
    public async Task FieldOutOfRangeArrivesAsBadRequest()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "x", TopK = -5 });
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(["top_k: found -5, allowed >= 0"], error.Fields());
        Assert.Equal("INVALID_FIELD", error.Info().Reason);
    }

    [Fact]
    public async Task UnknownModelIsNotFoundWithResourceInfo()
    {
        await using var server = await TestServer.StartAsync();
        var error = await server.Inference.TokenizeAsync(new TokenizeRequest { Model = "other", Text = "x" }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
        Assert.Equal("MODEL_NOT_FOUND", error.Info().Reason);
        var resource = error.GetRpcStatus()!.GetDetail<ResourceInfo>()!;
        Assert.Equal(("model", "other"), (resource.ResourceType, resource.ResourceName));
    }

    [Fact]
    public async Task NameOfAMegabyteIsNotEchoedWhole()
    {
        await using var server = await TestServer.StartAsync();
        var error = await server.Inference.TokenizeAsync(new TokenizeRequest { Model = new string('n', 1 << 20), Text = "x" }).ResponseAsync.FailureAsync();
        Assert.Equal((StatusCode.NotFound, "MODEL_NOT_FOUND"), (error.StatusCode, error.Info().Reason));
        Assert.True(error.Status.Detail.Length < 1000 && error.GetRpcStatus()!.CalculateSize() < 4096);
    }

    [Theory]
    [InlineData("spaces are bad", "letters")]
    [InlineData("", "1 .. 128")]
    public async Task TenantOutOfRangeIsRefused(string tenant, string allowed)
    {
        await using var server = await TestServer.StartAsync();
        var error = await server.Inference.TokenizeAsync(new TokenizeRequest { Text = "x" }, new Metadata { { "inferencehost-tenant", tenant } }).ResponseAsync.FailureAsync();
        Assert.StartsWith("inferencehost-tenant: ", Assert.Single(error.Fields()), StringComparison.Ordinal);
        Assert.Contains(allowed, error.Fields()[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task OverloadOfTheEngineIsUnavailableWithRetryInfoAndPushback()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Send(Failed(id, new Failure { Kind = FailureKind.Overloaded, Reason = "QUEUE_FULL", Message = "512 requests wait", RetryAfterMs = 1250 }));
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal("QUEUE_FULL", error.Info().Reason);
        Assert.Equal(1250, error.RetryMs());
    }

    [Fact]
    public async Task LimitOfATenantIsResourceExhaustedWithQuotaFailure()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Send(Failed(id, new Failure { Kind = FailureKind.TenantLimit, Reason = "TENANT_QUEUE", Message = "too many", RetryAfterMs = 10 }));
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Single(error.GetRpcStatus()!.GetDetail<QuotaFailure>()!.Violations);
        Assert.Equal(10, error.RetryMs());
    }

    [Fact]
    public async Task FieldTheEngineRefusesIsNamedWithItsNumbers()
    {
        await using var server = await TestServer.StartAsync();
        using var call = server.Inference.Generate(new GenerateRequest { Prompt = "wait" });
        var frame = await server.Engine.NextAsync();
        // As the answer to the call rather than as the end of a sequence: both are understood.
        server.Engine.Send(new FromWorker
        {
            CallId = frame.CallId,
            Failure = new Failure { Kind = FailureKind.InvalidArgument, Message = "too long", Field = "prompt", Found = 5000, Allowed = 4095 },
        });
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Equal(["prompt: found 5000, allowed 4095"], error.Fields());
    }

    [Fact]
    public async Task MessageOverTheLimitIsRefusedWithTheLimit()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { MaxReceiveMessageBytes = 4096 });
        var error = await server.Inference.TokenizeAsync(new TokenizeRequest { Text = new string('x', 5000) }).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Equal(("MESSAGE_TOO_LARGE", "4096"), (error.Info().Reason, error.Info().Metadata["max_receive_bytes"]));
    }

    [Fact]
    public async Task MethodThatDoesNotExistHasErrorInfoToo()
    {
        await using var server = await TestServer.StartAsync();
        var method = new Method<TokenizeRequest, TokenizeRequest>(MethodType.Unary, "inferencehost.v1.Inference", "Levitate",
            Marshallers.Create(r => r.ToByteArray(), TokenizeRequest.Parser.ParseFrom), Marshallers.Create(r => r.ToByteArray(), TokenizeRequest.Parser.ParseFrom));
        var error = await server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, new TokenizeRequest()).ResponseAsync.FailureAsync();
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
        Assert.Equal("UNIMPLEMENTED", error.Info().Reason);
    }

    [Fact]
    public async Task TextThatIsNoUtf8IsRefusedAndTheServerGoesOn()
    {
        await using var server = await TestServer.StartAsync();
        // Field 2 (text) with the two bytes C3 28.
        byte[] body = [0x12, 0x02, 0xC3, 0x28];
        var method = new Method<byte[], TokenizeResponse>(MethodType.Unary, "inferencehost.v1.Inference", "Tokenize",
            Marshallers.Create(r => r, b => b), Marshallers.Create(r => r.ToByteArray(), TokenizeResponse.Parser.ParseFrom));
        var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, body).ResponseAsync;
        var error = await call.FailureAsync();
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        error.Info();
        Assert.Equal([1, 'x'], (await server.Inference.TokenizeAsync(new TokenizeRequest { Text = "x" })).TokenIds);
    }

    private static FromWorker Failed(ulong id, Failure failure) => new()
    {
        Frame = new TokenFrame { Deltas = { new SequenceDelta { SequenceId = id, Finish = new Finish { Failure = failure } } } },
    };
}
