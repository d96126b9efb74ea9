using System.Collections.Concurrent;
using System.Text.Json;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace InferenceHost.Cli.Tests.Bench;

/// <summary>
/// The three kinds of server that the driver speaks to, in this process, on free ports: one listener for gRPC, one for llama-server's and OpenAI's
/// HTTP. Each answers with as many tokens as asked for, at once.
/// </summary>
internal sealed class FakePeers : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakePeers(WebApplication app)
    {
        _app = app;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        (Grpc, Http) = (addresses[0], addresses[1]);
    }

    /// <summary>Address of the gRPC listener.</summary>
    public string Grpc { get; }

    /// <summary>Address of the HTTP listener.</summary>
    public string Http { get; }

    /// <summary>What the peers were asked, and how they misbehave.</summary>
    public Behaviour Seen { get; } = new();

    public static async Task<FakePeers> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddGrpc();
        Behaviour? seen = null;
        builder.Services.AddSingleton(_ => seen!);
        var app = builder.Build();
        app.MapGrpcService<FakeGenerate>();
        app.MapGrpcService<FakeCatalogue>();
        app.MapGet("/props", () => """{"total_slots":4,"model_path":"/models/tiny.gguf","build_info":"b42","default_generation_settings":{"n_ctx":512}}""");
        app.MapGet("/lora-adapters", () => """[{"id":0,"path":"/a/bank.gguf","scale":0},{"id":1,"path":"hospital.gguf","scale":0}]""");
        app.MapPost("/tokenize", async (HttpContext context) =>
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body);
            await context.Response.WriteAsync(JsonSerializer.Serialize(new { tokens = body.RootElement.GetProperty("content").GetString()!.Select(c => (int)c) }));
        });
        app.MapGet("/v1/models", () => """{"data":[{"id":"tiny"}]}""");
        app.MapPost("/completion", context => LlamaAsync(context, seen!));
        app.MapPost("/v1/completions", context => OpenAiAsync(context, seen!));
        app.MapPost("/v1/chat/completions", context => OpenAiAsync(context, seen!));
        await app.StartAsync();
        var peers = new FakePeers(app);
        seen = peers.Seen;
        return peers;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task LlamaAsync(HttpContext context, Behaviour seen)
    {
        var request = await seen.ReadAsync(context);
        if (seen.RefuseHttp)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("""{"error":{"message":"not today"}}""");
            return;
        }
        var count = request.GetProperty("n_predict").GetInt32();
        for (var i = 0; i < count; i++)
        {
            await seen.PaceAsync(i, request.GetProperty("prompt").GetArrayLength(), context.RequestAborted);
            await EventAsync(context, $$"""{"index":0,"content":"x","tokens":[{{i}}],"stop":false}""");
            if (seen.CutStreams) return;
        }
        await EventAsync(context, $$$"""{"content":"","tokens":[],"stop":true,"tokens_predicted":{{{count + seen.UnstreamedTokens}}},"tokens_evaluated":7,"timings":{"cache_n":2}}""");
    }

    private static async Task OpenAiAsync(HttpContext context, Behaviour seen)
    {
        var count = (await seen.ReadAsync(context)).GetProperty("max_tokens").GetInt32();
        var chat = context.Request.Path.Value!.Contains("chat", StringComparison.Ordinal);
        for (var i = 0; i < count; i++) await EventAsync(context, chat ? """{"choices":[{"delta":{"content":"x"}}]}""" : """{"choices":[{"text":"x","finish_reason":null}]}""");
        await EventAsync(context, $$$"""{"choices":[],"usage":{"completion_tokens":{{{count}}},"prompt_tokens":7}}""");
        await EventAsync(context, "[DONE]");
    }

    private static async Task EventAsync(HttpContext context, string data)
    {
        await context.Response.WriteAsync($"data: {data}\n\n");
        await context.Response.Body.FlushAsync();
    }

    /// <summary>What the peers were asked, and how they misbehave.</summary>
    internal sealed class Behaviour
    {
        public ConcurrentQueue<GenerateRequest> Generate { get; } = new();

        public ConcurrentQueue<JsonElement> Http { get; } = new();

        public bool RefuseHttp { get; set; }

        public bool CutStreams { get; set; }

        public int UnstreamedTokens { get; set; }

        public StatusCode? RefuseGrpc { get; set; }

        public bool NeverAnswer { get; set; }

        /// <summary>As a model would: every token takes a while, a long prompt a longer one.</summary>
        public bool Slow { get; set; }

        public async Task PaceAsync(int token, int promptTokens, CancellationToken cancellationToken)
        {
            if (Slow) await Task.Delay(token == 0 && promptTokens > 1000 ? 200 : 1, cancellationToken);
        }

        public async Task<JsonElement> ReadAsync(HttpContext context)
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body);
            var request = document.RootElement.Clone();
            Http.Enqueue(request);
            context.Response.ContentType = "text/event-stream";
            return request;
        }
    }

    private sealed class FakeGenerate(Behaviour seen) : Inference.InferenceBase
    {
        public override async Task Generate(GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
        {
            seen.Generate.Enqueue(request);
            if (seen.RefuseGrpc is { } code) throw new RpcException(new Status(code, "no room"));
            if (seen.NeverAnswer) await Task.Delay(Timeout.Infinite, context.CancellationToken);
            for (var i = 0; i < request.MaxTokens; i++)
            {
                await seen.PaceAsync(i, request.PromptTokenIds.Count, context.CancellationToken);
                var message = new GenerateResponse { Text = "x", TokenIds = { i } };
                if (i == request.MaxTokens - 1)
                {
                    message.FinishReason = FinishReason.MaxTokens;
                    message.Usage = new Usage { PromptTokens = request.PromptTokenIds.Count, CompletionTokens = request.MaxTokens };
                }
                await responseStream.WriteAsync(message, context.CancellationToken);
            }
        }

        public override Task<TokenizeResponse> Tokenize(TokenizeRequest request, ServerCallContext context) =>
            Task.FromResult(new TokenizeResponse { TokenIds = { request.Text.Select(c => (int)c) } });
    }

    // Describe, GetStats and the adapters are not implemented here: the driver must do without them.
    private sealed class FakeCatalogue : Models.ModelsBase
    {
        public override Task<ListModelsResponse> List(ListModelsRequest request, ServerCallContext context) =>
            Task.FromResult(new ListModelsResponse { Models = { new ModelInfo { Name = "other" }, new ModelInfo { Name = "tiny", Loaded = true } } });
    }
}
