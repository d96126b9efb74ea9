using System.Globalization;
using System.Text;
using System.Text.Json;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Renders templates line by line for scripts: one JSON object in, one out.</summary>
public static class TemplateLines
{
    private static readonly JsonDocumentOptions ReadOptions = new() { MaxDepth = 256 };

    /// <summary>Renders one request.</summary>
    /// <param name="line">
    /// <c>{"template": "…", "values": {…}, "now": "2026-01-11T09:30:00"}</c>; <c>values</c> may be left out, <c>now</c> is the local time if left out.
    /// </param>
    /// <returns><c>{"output": "…"}</c>, or <c>{"error": "…"}</c> whatever went wrong.</returns>
    public static string Render(string line) => Render(line, TimeProvider.System);

    /// <summary>Renders one request with a given clock for requests without <c>now</c>.</summary>
    /// <param name="line">The request.</param>
    /// <param name="clock">Local time of requests that do not say it.</param>
    public static string Render(string line, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(line);
        ArgumentNullException.ThrowIfNull(clock);
        try
        {
            using var request = JsonDocument.Parse(line, ReadOptions);
            return Answer("output", RenderRequest(request.RootElement, clock));
        }
        catch (Exception e) when (e is TemplateException or JsonException or ArgumentException or FormatException)
        {
            return Answer("error", e.Message);
        }
    }

    private static string RenderRequest(JsonElement request, TimeProvider clock)
    {
        if (request.ValueKind != JsonValueKind.Object) throw new ArgumentException("a line must be a JSON object");
        if (!request.TryGetProperty("template", out var template) || template.ValueKind != JsonValueKind.String)
        {
            throw new ArgumentException("'template' must be a string");
        }

        var hasValues = request.TryGetProperty("values", out var values) && values.ValueKind != JsonValueKind.Null;
        var now = request.TryGetProperty("now", out var time) && time.ValueKind == JsonValueKind.String
            ? DateTime.Parse(time.GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind)
            : clock.GetLocalNow().DateTime;
        var compiled = ChatTemplate.Parse(JsonValues.TextOf(template));
        return compiled.Render(hasValues ? TemplateValues.FromJson(values) : new TemplateValues(), now).Text;
    }

    // Written by hand so that other scripts stay readable and a lone surrogate survives, as in the reference.
    private static string Answer(string name, string text)
    {
        var json = new StringBuilder(text.Length + 16).Append("{\"").Append(name).Append("\": \"");
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is '"' or '\\') json.Append('\\').Append(c);
            else if (c == '\n') json.Append("\\n");
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) json.Append(c).Append(text[++i]);
            else if (c < ' ' || char.IsSurrogate(c) || c is '\x7F' or '\u2028' or '\u2029') json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else json.Append(c);
        }

        return json.Append("\"}").ToString();
    }
}
