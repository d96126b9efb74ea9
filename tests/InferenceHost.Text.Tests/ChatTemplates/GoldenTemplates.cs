using System.Text.Json;
using InferenceHost.Testing;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

/// <summary>The golden renders of transformers' Jinja2: templates, cases and what each must give.</summary>
internal static class GoldenTemplates
{
    public const string Goldens = "chat-templates/goldens.json";
    public const string Probes = "chat-templates/probes.json";

    /// <summary>The clock of all golden renders.</summary>
    public static DateTime Now { get; } = new(2026, 1, 11, 9, 30, 0);

    private static readonly Lazy<JsonElement> GoldenFile = new(() => Load(Goldens));
    private static readonly Lazy<JsonElement> ProbeFile = new(() => Load(Probes));

    /// <param name="Template">File name of the template.</param>
    /// <param name="Source">Its text.</param>
    /// <param name="Case">Name of the case.</param>
    /// <param name="Values">The variables.</param>
    /// <param name="Output">The expected text, or null where the render must fail.</param>
    public sealed record Render(string Template, string Source, string Case, JsonElement Values, string? Output);

    public static IReadOnlyList<(string Name, string Source)> Templates { get; } =
        SharedData.Exists(Goldens) ? [.. GoldenFile.Value.GetProperty("templates").EnumerateObject().Select(t => (t.Name, t.Value.GetProperty("template").GetString()!))] : [];

    public static IEnumerable<Render> GoldenRenders()
    {
        SharedData.Require(Goldens);
        var cases = GoldenFile.Value.GetProperty("cases");
        foreach (var template in GoldenFile.Value.GetProperty("templates").EnumerateObject())
        {
            foreach (var expected in template.Value.GetProperty("expected").EnumerateObject())
            {
                yield return new Render(template.Name, template.Value.GetProperty("template").GetString()!, expected.Name, cases.GetProperty(expected.Name), Output(expected.Value));
            }
        }
    }

    public static IEnumerable<Render> ProbeRenders()
    {
        SharedData.Require(Probes);
        var cases = ProbeFile.Value.GetProperty("cases");
        var templates = GoldenFile.Value.GetProperty("templates");
        foreach (var template in ProbeFile.Value.GetProperty("expected").EnumerateObject())
        {
            var source = templates.GetProperty(template.Name).GetProperty("template").GetString()!;
            foreach (var expected in template.Value.EnumerateObject())
            {
                yield return new Render(template.Name, source, expected.Name, cases.GetProperty(expected.Name), Output(expected.Value));
            }
        }
    }

    /// <summary>The variables of a case with the special tokens of the golden renders.</summary>
    public static TemplateValues ToValues(JsonElement values) =>
        TemplateValues.FromJson(values).Add("bos_token", "<s>", TextOrigin.Template).Add("eos_token", "</s>", TextOrigin.Template);

    private static string? Output(JsonElement expected) =>
        expected.ValueKind == JsonValueKind.String ? expected.GetString() : expected.TryGetProperty("output", out var output) ? output.GetString() : null;

    private static JsonElement Load(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Require(file)));
        return document.RootElement.Clone();
    }
}
