using System.Text.Json;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>What counts in one event of llama-server's <c>/completion</c> stream.</summary>
/// <param name="Tokens">Token ids in the event.</param>
/// <param name="Stop">Whether it is the last one.</param>
/// <param name="PredictedTokens">Last event: tokens generated in all, as the server counts them.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Last event: prompt tokens taken from the cache.</param>
/// <param name="Error">Message of an error event.</param>
internal readonly record struct LlamaEvent(int Tokens, bool Stop, int? PredictedTokens, int? PromptTokens, int? CachedTokens, string? Error)
{
    /// <summary>Scans the top level of the event; of an event in mid-stream only as far as needed.</summary>
    /// <exception cref="JsonException">The data is no JSON object.</exception>
    public static LlamaEvent Parse(ReadOnlySpan<byte> data)
    {
        var result = default(LlamaEvent);
        var reader = new Utf8JsonReader(data);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("an event of the stream is no JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("tokens"u8)) result = result with { Tokens = CountArray(ref reader) };
            else if (reader.ValueTextEquals("stop"u8))
            {
                reader.Read();
                result = result with { Stop = reader.TokenType == JsonTokenType.True };
                if (!result.Stop) return result;
            }
            else if (reader.ValueTextEquals("tokens_predicted"u8)) result = result with { PredictedTokens = ReadInt(ref reader) };
            else if (reader.ValueTextEquals("tokens_evaluated"u8)) result = result with { PromptTokens = ReadInt(ref reader) };
            else if (reader.ValueTextEquals("timings"u8)) result = result with { CachedTokens = ReadCached(ref reader) };
            else if (reader.ValueTextEquals("error"u8)) result = result with { Error = ReadError(ref reader) };
            else reader.Skip();
        }
        return result;
    }

    private static int CountArray(ref Utf8JsonReader reader)
    {
        reader.Read();
        var count = 0;
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return 0;
        }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            count++;
            reader.Skip();
        }
        return count;
    }

    private static int? ReadInt(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var value)) return value;
        reader.Skip();
        return null;
    }

    private static int? ReadCached(ref Utf8JsonReader reader)
    {
        reader.Read();
        int? cached = null;
        if (reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("cache_n"u8)) cached = ReadInt(ref reader);
            else reader.Skip();
        }
        return cached;
    }

    private static string ReadError(ref Utf8JsonReader reader)
    {
        reader.Read();
        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("message", out var message)
            ? message.ToString()
            : document.RootElement.ToString();
    }
}
