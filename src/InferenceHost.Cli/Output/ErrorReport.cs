using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace InferenceHost.Cli.Output;

/// <summary>A failure as the user sees it: what happened, which field and numbers, what to do next.</summary>
internal sealed class ErrorReport
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required int ExitCode { get; init; }

    public required string Message { get; init; }

    /// <summary>gRPC status in its upper-case spelling; null where no server was involved.</summary>
    public string? Status { get; init; }

    /// <summary>Reason of google.rpc.ErrorInfo.</summary>
    public string? Reason { get; init; }

    /// <summary>Facts of google.rpc.ErrorInfo, such as the numbers found and allowed.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<(string Field, string Description)> Fields { get; init; } = [];

    public TimeSpan? RetryAfter { get; init; }

    public IReadOnlyList<string> NextSteps { get; init; } = [];

    /// <summary>Writes to the error stream, as text or as one JSON object.</summary>
    public void Write(CliContext cli, bool asJson)
    {
        if (asJson)
        {
            cli.Error.WriteLine(ToJson().ToJsonString(Relaxed));
            return;
        }
        foreach ((string text, Style style) in Lines())
        {
            if (cli.IsErrorPretty)
                cli.AnsiError.Write(new StyledText(TerminalText.Sanitize(text) + Environment.NewLine, style));
            else
                cli.Error.WriteLine(text);
        }
    }

    private IEnumerable<(string Text, Style Style)> Lines()
    {
        string kind = string.Join(", ", new[] { Status, Reason }.Where(part => !string.IsNullOrEmpty(part)));
        yield return ($"error: {Message}{(kind.Length > 0 ? $" ({kind})" : "")}", new Style(Color.Red));
        // A detail that only repeats the message is left to the JSON form.
        foreach ((string field, string description) in Fields.Where(f => f.Description != Message))
            yield return ($"  {field}: {description}", new Style(Color.Yellow));
        if (Facts.Count > 0)
            yield return ("  " + string.Join(", ", Facts.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key} = {f.Value}")), new Style(Color.Grey));
        if (RetryAfter is { } delay)
            yield return ($"  try again in {Quantities.Duration(delay)}", Style.Plain);
        foreach (string step in NextSteps)
            yield return ($"  {step}", Style.Plain);
    }

    private JsonObject ToJson()
    {
        var error = new JsonObject { ["message"] = Message, ["exit_code"] = ExitCode };
        if (Status is not null)
            error["status"] = Status;
        if (Reason is not null)
            error["reason"] = Reason;
        if (Fields.Count > 0)
            error["fields"] = new JsonArray([.. Fields.Select(f => new JsonObject { ["field"] = f.Field, ["description"] = f.Description })]);
        if (Facts.Count > 0)
            error["metadata"] = new JsonObject(Facts.Select(f => KeyValuePair.Create(f.Key, (JsonNode?)f.Value)));
        if (RetryAfter is { } delay)
            error["retry_after_ms"] = (long)delay.TotalMilliseconds;
        if (NextSteps.Count > 0)
            error["next_steps"] = new JsonArray([.. NextSteps.Select(s => (JsonNode)s)]);
        return new JsonObject { ["error"] = error };
    }
}
