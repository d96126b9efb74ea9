using System.Net;
using System.Net.Http.Headers;
using Google.Rpc;
using Grpc.Core;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>Whatever a client sends, it gets an answer that names the field, and the engine lives.</summary>
[Collection(DefaultServer.Collection)]
public sealed class HostileRequestTests(DefaultServer fixture) : IAsyncLifetime
{
    private readonly ServerProcess _server = fixture.Server;
    private int _engine;

    public async ValueTask InitializeAsync() => _engine = await _server.EngineProcessIdAsync();

    public async ValueTask DisposeAsync()
    {
        Assert.Equal(_engine, await _server.EngineProcessIdAsync());
        Completion alive = await _server.GenerateAsync(new GenerateRequest { Prompt = "The capital of France is", MaxTokens = 3, Temperature = 0 });
        Assert.Contains("Paris", alive.Text, StringComparison.Ordinal);
    }

    public static TheoryData<string, GenerateRequest> Refused => new()
    {
        { "max_tokens", new() { Prompt = "x", MaxTokens = int.MaxValue } },
        { "max_tokens", new() { Prompt = "x", MaxTokens = -1 } },
        { "max_tokens", new() { Prompt = "x", MaxTokens = 0 } },
        { "temperature", new() { Prompt = "x", Temperature = float.NaN } },
        { "temperature", new() { Prompt = "x", Temperature = float.PositiveInfinity } },
        { "temperature", new() { Prompt = "x", Temperature = -1 } },
        { "top_k", new() { Prompt = "x", TopK = int.MinValue } },
        { "top_p", new() { Prompt = "x", TopP = 0 } },
        { "top_p", new() { Prompt = "x", TopP = float.MaxValue } },
        { "min_p", new() { Prompt = "x", MinP = 2 } },
        { "typical_p", new() { Prompt = "x", TypicalP = -0.5f } },
        { "repetition_penalty", new() { Prompt = "x", RepetitionPenalty = 0 } },
        { "frequency_penalty", new() { Prompt = "x", FrequencyPenalty = float.NegativeInfinity } },
        { "presence_penalty", new() { Prompt = "x", PresencePenalty = 1e30f } },
        { "logprobs", new() { Prompt = "x", Logprobs = int.MaxValue } },
        { "n", new() { Prompt = "x", N = int.MaxValue } },
        { "best_of", new() { Prompt = "x", N = 2, BestOf = 1 } },
        { "adapter_scale", new() { Prompt = "x", AdapterScale = float.NaN } },
        { "prompt_token_ids", new() { PromptTokenIds = { 1, 49_152 } } },
        { "prompt_token_ids", new() { PromptTokenIds = { -1 } } },
        { "prompt_token_ids", new() { PromptTokenIds = { int.MaxValue } } },
        { "stop_token_ids", new() { Prompt = "x", StopTokenIds = { int.MinValue } } },
        { "stop", new() { Prompt = "x", Stop = { new string('s', 2000) } } },
        { "stop", new() { Prompt = "x", Stop = { Enumerable.Repeat("s", 100) } } },
        { "logit_bias", new() { Prompt = "x", LogitBias = { [int.MaxValue] = 1 } } },
        { "logit_bias", new() { Prompt = "x", LogitBias = { [1] = float.NaN } } },
        { "prompt", new() { Prompt = "x", PromptTokenIds = { 1 } } },
        { "prompt", new() },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task ValueOutOfRangeIsRefusedWithItsField(string field, GenerateRequest request)
    {
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => _server.GenerateAsync(request));
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        BadRequest? details = refusal.GetRpcStatus()?.GetDetail<BadRequest>();
        Assert.NotNull(details);
        Assert.Contains(details.FieldViolations, violation => violation.Field.StartsWith(field, StringComparison.Ordinal));
        Assert.NotNull(refusal.GetRpcStatus()?.GetDetail<ErrorInfo>());
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("\0")]
    [InlineData("あ")]
    [InlineData("<|im_end|>")]
    public async Task MegabyteOfOneCharacterIsRefusedForItsLength(string unit)
    {
        string prompt = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => _server.GenerateAsync(new GenerateRequest { Prompt = prompt, MaxTokens = 1 }));
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains(refusal.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations, violation => violation.Field == "prompt");
    }

    [Fact]
    public async Task UnknownAdapterAndModelAreNotFound()
    {
        RpcException adapter = await Assert.ThrowsAsync<RpcException>(() => _server.GenerateAsync(new GenerateRequest { Prompt = "x", Adapter = "nobody" }));
        RpcException model = await Assert.ThrowsAsync<RpcException>(() => _server.GenerateAsync(new GenerateRequest { Prompt = "x", Model = "nobody" }));
        Assert.Equal((StatusCode.NotFound, StatusCode.NotFound), (adapter.StatusCode, model.StatusCode));
    }

    [Theory]
    [InlineData(new byte[] { 0x1a, 0x02, 0xff, 0xfe })] // prompt = two bytes that are no UTF-8
    [InlineData(new byte[] { 0x1a, 0x7f, 0x41 })] // length beyond the end
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })] // endless varint
    public async Task BytesThatAreNoMessageEndTheCallOnly(byte[] message)
    {
        using var http = new HttpClient(new SocketsHttpHandler());
        byte[] frame = [0, 0, 0, 0, (byte)message.Length, .. message];
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server.Endpoint, "inferencehost.v1.Inference/Generate"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using HttpResponseMessage response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        string? status = new[] { response.Headers, response.TrailingHeaders }.SelectMany(headers => headers.TryGetValues("grpc-status", out var values) ? values : []).FirstOrDefault();
        Assert.True(status is not null and not "0", $"grpc-status {status}");
    }

    [Fact]
    public async Task CancelStormLeavesNothingBehind()
    {
        await Parallel.ForAsync(0, 60, new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (i, _) =>
        {
            using var cancel = new CancellationTokenSource();
            using var call = _server.Inference.Generate(
                new GenerateRequest { Prompt = $"Story number {i}:", MaxTokens = 500, IgnoreEos = true }, deadline: Streams.Deadline, cancellationToken: cancel.Token);
            await call.ResponseStream.MoveNext(default);
            await cancel.CancelAsync();
        });
        for (DateTime end = Streams.Deadline; ;)
        {
            LoadedModelStats engine = (await _server.Operations.GetStatsAsync(new GetStatsRequest())).Engine;
            if (engine is { Running: 0, Waiting: 0 } && engine.UsedCells == engine.CachedCells)
                return;
            Assert.True(DateTime.UtcNow < end, $"{engine}");
            await Task.Delay(100);
        }
    }
}
