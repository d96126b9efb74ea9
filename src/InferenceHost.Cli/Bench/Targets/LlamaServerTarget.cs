using System.Buffers;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>llama-server's own <c>POST /completion</c>, streamed: the yardstick.</summary>
internal sealed class LlamaServerTarget(TargetSpec spec) : IBenchTarget
{
    private readonly SseExchange _exchange = new();
    private readonly Dictionary<string, int> _adapterIds = new(StringComparer.Ordinal);
    private readonly Uri _completion = new(Root(spec.Endpoint), "completion");

    /// <inheritdoc/>
    public TargetSpec Spec { get; } = spec;

    /// <inheritdoc/>
    public async Task<TargetInfo> ConnectAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken)
    {
        try
        {
            var props = await _exchange.Http.GetFromJsonAsync<JsonElement>(new Uri(Root(Spec.Endpoint), "props"), cancellationToken);
            if (Spec.UseAdapters && adapters.Count > 0) await ResolveAdaptersAsync(adapters, cancellationToken);
            var slots = props.TryGetProperty("total_slots", out var total) ? total.ToString() : "?";
            var context = props.TryGetProperty("default_generation_settings", out var settings) && settings.TryGetProperty("n_ctx", out var nCtx) ? nCtx.ToString() : "?";
            return new TargetInfo(Spec.Name, "llama-server /completion (SSE)", Spec.Endpoint.ToString(),
                Text(props, "build_info"), Path.GetFileName(Text(props, "model_path")), $"{slots} slots, context of a slot {context}");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            throw BenchException.Target(Spec.Name, $"{Spec.Endpoint} does not answer as llama-server does: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<int[]?> TokenizeAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _exchange.Http.PostAsJsonAsync(new Uri(Root(Spec.Endpoint), "tokenize"), new { content = text, add_special = false }, cancellationToken);
            response.EnsureSuccessStatusCode();
            var body = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            return [.. body.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw BenchException.Target(Spec.Name, $"/tokenize failed: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public PreparedRequest Prepare(BenchRequest request)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            BenchJson.WritePrompt(json, request.Prompt);
            json.WriteNumber("n_predict", request.MaxTokens);
            json.WriteNumber("temperature", request.Temperature);
            json.WriteNumber("seed", request.Seed & uint.MaxValue);
            json.WriteBoolean("ignore_eos", request.IgnoreEos);
            json.WriteBoolean("cache_prompt", Spec.CachePrompt ?? request.CachePrompt);
            json.WriteBoolean("stream", true);
            json.WriteBoolean("return_tokens", true);
            if (_adapterIds.Count > 0) WriteAdapter(json, request.Adapter);
            json.WriteEndObject();
        }
        return new Prepared(body.WrittenMemory);
    }

    /// <inheritdoc/>
    public Task StreamAsync(PreparedRequest request, RequestTrace trace, CancellationToken cancellationToken) =>
        _exchange.RunAsync(_completion, ((Prepared)request).Body, trace, OnEvent, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _exchange.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool OnEvent(ReadOnlySpan<byte> data, RequestTrace trace)
    {
        var parsed = LlamaEvent.Parse(data);
        trace.OnTokens(parsed.Tokens);
        if (parsed.Error is { } error) trace.Fail(error);
        else if (parsed.Stop) trace.Complete(parsed.PredictedTokens, parsed.PromptTokens, parsed.CachedTokens);
        return parsed.Stop || parsed.Error is not null;
    }

    // Adapters that are not listed have scale 0 for this request.
    private void WriteAdapter(Utf8JsonWriter json, string? adapter)
    {
        json.WriteStartArray("lora");
        if (adapter is not null && _adapterIds.TryGetValue(adapter, out var id))
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteNumber("scale", 1);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    // llama-server knows adapters by number and file; a name of --adapters is the file's name without its extension.
    private async Task ResolveAdaptersAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken)
    {
        var list = await _exchange.Http.GetFromJsonAsync<JsonElement>(new Uri(Root(Spec.Endpoint), "lora-adapters"), cancellationToken);
        foreach (var entry in list.EnumerateArray())
            _adapterIds[Path.GetFileNameWithoutExtension(Text(entry, "path")) ?? ""] = entry.GetProperty("id").GetInt32();
        foreach (var adapter in adapters)
        {
            if (adapter != BenchRequest.BaseAdapter && !_adapterIds.ContainsKey(adapter))
                throw BenchException.Target(Spec.Name, $"has no adapter file '{adapter}' (it has: {string.Join(", ", _adapterIds.Keys)})");
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ToString() : null;

    private static Uri Root(Uri endpoint) => new(endpoint.AbsoluteUri.TrimEnd('/') + "/");

    private sealed record Prepared(ReadOnlyMemory<byte> Body) : PreparedRequest;
}
