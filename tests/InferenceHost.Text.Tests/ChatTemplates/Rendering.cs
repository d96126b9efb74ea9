using System.Text.Json;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

/// <summary>Short ways to render in tests.</summary>
internal static class Rendering
{
    /// <summary>Renders a template over JSON values, all of them message text but <c>…_token</c>.</summary>
    public static RenderedPrompt Prompt(string template, string json = "{}", TemplateLimits? limits = null)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });
        var options = new TemplateOptions { Limits = limits ?? TemplateLimits.Default };
        return ChatTemplate.Parse(template, options).Render(TemplateValues.FromJson(document.RootElement), GoldenTemplates.Now);
    }

    public static string Text(string template, string json = "{}") => Prompt(template, json).Text;

    /// <summary>The text with message characters in guillemets: <c>a«b»c</c>.</summary>
    public static string Marked(string template, string json = "{}") => Marked(Prompt(template, json));

    public static string Marked(RenderedPrompt prompt) =>
        string.Concat(prompt.Spans.Select(s => s.Origin == TextOrigin.Message ? $"«{prompt.Text.Substring(s.Start, s.Length)}»" : prompt.Text.Substring(s.Start, s.Length)));
}
