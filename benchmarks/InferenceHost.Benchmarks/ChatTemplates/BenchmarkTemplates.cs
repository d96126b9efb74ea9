using System.Runtime.CompilerServices;
using System.Text.Json;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Benchmarks.ChatTemplates;

/// <summary>Templates and conversations of the golden data, found beside the repository or under <c>INFERENCEHOST_SHARED</c>.</summary>
internal static class BenchmarkTemplates
{
    private static readonly JsonElement File = Load();

    public static DateTime Now { get; } = new(2026, 1, 11, 9, 30, 0);

    public static string Source(string name) => File.GetProperty("templates").GetProperty(name).GetProperty("template").GetString()!;

    /// <summary>The template with the longest source.</summary>
    public static string Longest => File.GetProperty("templates").EnumerateObject().MaxBy(t => t.Value.GetProperty("template").GetString()!.Length).Name;

    public static TemplateValues Values(string name) => TemplateValues.FromJson(File.GetProperty("cases").GetProperty(name))
        .Add("bos_token", "<s>", TextOrigin.Template).Add("eos_token", "</s>", TextOrigin.Template);

    /// <summary>A system message, a question and an answer: three messages.</summary>
    public static TemplateValues ThreeMessages()
    {
        using var values = JsonDocument.Parse("""
            {"messages": [{"role": "system", "content": "You answer briefly."}, {"role": "user", "content": "Where do I register a change of address?"},
             {"role": "assistant", "content": "At counter 3 of the city hall."}], "add_generation_prompt": true}
            """);
        return TemplateValues.FromJson(values.RootElement).Add("bos_token", "<s>", TextOrigin.Template).Add("eos_token", "</s>", TextOrigin.Template);
    }

    private static JsonElement Load([CallerFilePath] string here = "")
    {
        var root = Environment.GetEnvironmentVariable("INFERENCEHOST_SHARED") is { Length: > 0 } set
            ? set
            : Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "..", "shared");
        using var document = JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(root, "data", "chat-templates", "goldens.json")));
        return document.RootElement.Clone();
    }
}
