using System.Text.Json;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>Parts of request bodies that the HTTP targets share.</summary>
internal static class BenchJson
{
    /// <summary>Writes <c>"prompt"</c> as an array of token ids or as text.</summary>
    public static void WritePrompt(Utf8JsonWriter json, BenchPrompt prompt)
    {
        if (prompt.TokenIds is not { } ids)
        {
            json.WriteString("prompt", prompt.Text);
            return;
        }
        json.WriteStartArray("prompt");
        foreach (var id in ids) json.WriteNumberValue(id);
        json.WriteEndArray();
    }
}
