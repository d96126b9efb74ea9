using System.Text.Json;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>What counts in one event of an OpenAI-style completion or chat stream.</summary>
/// <param name="HasText">Whether a choice brought text: one token, as such servers stream (the usage at the end has the exact number).</param>
/// <param name="CompletionTokens">Usage: tokens generated.</param>
/// <param name="PromptTokens">Usage: tokens of the prompt.</param>
/// <param name="CachedTokens">Usage: prompt tokens taken from the cache.</param>
/// <param name="Error">Message of an error event.</param>
internal readonly record struct OpenAiEvent(bool HasText, int? CompletionTokens, int? PromptTokens, int? CachedTokens, string? Error)
{
    /// <summary>Scans the event.</summary>
    /// <exception cref="JsonException">The data is no JSON object.</exception>
    public static OpenAiEvent Parse(ReadOnlySpan<byte> data)
    {
        var result = default(OpenAiEvent);
        var reader = new Utf8JsonReader(data);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("an event of the stream is no JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8)) result = result with { HasText = HasTextIn(ref reader) };
            else if (reader.ValueTextEquals("usage"u8)) result = ReadUsage(ref reader, result);
            else if (reader.ValueTextEquals("error"u8)) result = result with { Error = ReadRaw(ref reader) };
            else reader.Skip();
        }
        return result;
    }

    // Text lies in choices[].text, choices[].delta.content or choices[].delta.reasoning_content.
    private static bool HasTextIn(ref Utf8JsonReader reader)
    {
        reader.Read();
        var depth = reader.CurrentDepth;
        var found = false;
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        while (reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == depth))
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            var isText = reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("reasoning_content"u8);
            var isDelta = reader.ValueTextEquals("delta"u8);
            reader.Read();
            if (isText) found |= reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > 0;
            else if (!isDelta) reader.Skip();
        }
        return found;
    }

    private static OpenAiEvent ReadUsage(ref Utf8JsonReader reader, OpenAiEvent result)
    {
        using var document = ReadElement(ref reader, out var usage);
        if (usage.ValueKind != JsonValueKind.Object) return result;
        int? cached = usage.TryGetProperty("prompt_tokens_details", out var details) && details.ValueKind == JsonValueKind.Object
            ? Number(details, "cached_tokens")
            : null;
        return result with { CompletionTokens = Number(usage, "completion_tokens"), PromptTokens = Number(usage, "prompt_tokens"), CachedTokens = cached };
    }

    private static JsonDocument ReadElement(ref Utf8JsonReader reader, out JsonElement element)
    {
        reader.Read();
        var document = JsonDocument.ParseValue(ref reader);
        element = document.RootElement;
        return document;
    }

    private static int? Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : null;

    private static string ReadRaw(ref Utf8JsonReader reader)
    {
        using var document = ReadElement(ref reader, out var element);
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty("message", out var message) ? message.ToString() : element.ToString();
    }
}
