using System.Text.Json;

namespace InferenceHost.Cli.Bench.Workload;

/// <summary>Reads prompt files.</summary>
internal static class PromptFile
{
    /// <summary>The first turn of every line of a JSONL file: <c>turns[0]</c>, <c>prompt</c> or <c>text</c>.</summary>
    /// <exception cref="BenchException">The file cannot be read, or a line has none of these.</exception>
    public static IReadOnlyList<string> ReadJsonLines(string path, string option)
    {
        var prompts = new List<string>();
        var number = 0;
        foreach (var line in ReadText(path, option).Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            prompts.Add(PromptOf(line) ?? throw BenchException.Option(option, $"line {number} of {path} has neither turns[0], prompt nor text"));
        }
        return prompts.Count > 0 ? prompts : throw BenchException.Option(option, $"{path} holds no prompt");
    }

    /// <summary>A whole text file.</summary>
    /// <exception cref="BenchException">It cannot be read or is empty.</exception>
    public static string ReadText(string path, string option)
    {
        try
        {
            var text = File.ReadAllText(path);
            return text.Length > 0 ? text : throw BenchException.Option(option, $"{path} is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw BenchException.Option(option, $"{path} cannot be read: {e.Message}");
        }
    }

    private static string? PromptOf(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return null;
            if (root.TryGetProperty("turns", out var turns) && turns.ValueKind == JsonValueKind.Array && turns.GetArrayLength() > 0) return Text(turns[0]);
            return root.TryGetProperty("prompt", out var prompt) ? Text(prompt) : root.TryGetProperty("text", out var text) ? Text(text) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement element) => element.ValueKind == JsonValueKind.String ? element.GetString() : null;
}
