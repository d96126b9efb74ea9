using System.Buffers;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>An OpenAI-style server: <c>/completions</c> or <c>/chat/completions</c>, streamed. An adapter is sent as the name of the model.</summary>
internal sealed class OpenAiTarget : IBenchTarget
{
    private readonly SseExchange _exchange = new();
    private readonly Uri _root;
    private readonly Uri _address;
    private string _model = "";

    public OpenAiTarget(TargetSpec spec)
    {
        Spec = spec;
        _root = new Uri(spec.Endpoint.AbsoluteUri.TrimEnd('/') + "/");
        _address = new Uri(_root, spec.Chat ? "chat/completions" : "completions");
    }

    /// <inheritdoc/>
    public TargetSpec Spec { get; }

    /// <inheritdoc/>
    public async Task<TargetInfo> ConnectAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken)
    {
        try
        {
            var list = await _exchange.Http.GetFromJsonAsync<JsonElement>(new Uri(_root, "models"), cancellationToken);
            var models = list.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString() ?? "").ToList();
            _model = models.Count > 0 ? models[0] : throw BenchException.Target(Spec.Name, "lists no model");
            return new TargetInfo(Spec.Name, Spec.Chat ? "OpenAI chat completions (SSE)" : "OpenAI completions (SSE)", Spec.Endpoint.ToString(),
                null, Path.GetFileName(_model), null);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw BenchException.Target(Spec.Name, $"{Spec.Endpoint} does not answer as an OpenAI-style server does: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public Task<int[]?> TokenizeAsync(string text, CancellationToken cancellationToken) => Task.FromResult<int[]?>(null);

    /// <inheritdoc/>
    public PreparedRequest Prepare(BenchRequest request)
    {
        if (Spec.Chat && request.Prompt.Text is null)
            throw BenchException.Option("--target", $"'{Spec.Name}' is driven over chat completions, which take text: use --prompt-text, --prompt-file or --prompts without lengths");
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("model", Spec.UseAdapters && request.Adapter is { } adapter ? adapter : _model);
            if (Spec.Chat) WriteMessages(json, request.Prompt.Text!);
            else BenchJson.WritePrompt(json, request.Prompt);
            json.WriteNumber("max_tokens", request.MaxTokens);
            json.WriteNumber("temperature", request.Temperature);
            json.WriteNumber("seed", request.Seed & int.MaxValue);
            if (request.IgnoreEos) json.WriteBoolean("ignore_eos", true);
            json.WriteBoolean("stream", true);
            json.WriteStartObject("stream_options");
            json.WriteBoolean("include_usage", true);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return new Prepared(body.WrittenMemory);
    }

    /// <inheritdoc/>
    public Task StreamAsync(PreparedRequest request, RequestTrace trace, CancellationToken cancellationToken) =>
        _exchange.RunAsync(_address, ((Prepared)request).Body, trace, OnEvent, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _exchange.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool OnEvent(ReadOnlySpan<byte> data, RequestTrace trace)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            trace.CompleteUnlessComplete();
            return true;
        }
        var parsed = OpenAiEvent.Parse(data);
        if (parsed.HasText) trace.OnTokens(1);
        if (parsed.Error is { } error)
        {
            trace.Fail(error);
            return true;
        }
        if (parsed.CompletionTokens is not null) trace.Complete(parsed.CompletionTokens, parsed.PromptTokens, parsed.CachedTokens);
        return false;
    }

    private static void WriteMessages(Utf8JsonWriter json, string text)
    {
        json.WriteStartArray("messages");
        json.WriteStartObject();
        json.WriteString("role", "user");
        json.WriteString("content", text);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private sealed record Prepared(ReadOnlyMemory<byte> Body) : PreparedRequest;
}
