namespace InferenceHost.Cli.Conversation;

/// <summary>A line of the chat that is meant for the program, e.g. <c>/adapter bank</c>.</summary>
/// <param name="Name">Lower case, without the slash.</param>
/// <param name="Argument">The rest of the line, trimmed; may be empty.</param>
internal readonly record struct SlashCommand(string Name, string Argument)
{
    /// <summary>Reads a line. A message that starts with a slash is written with two: <c>//etc</c>.</summary>
    public static bool TryParse(string line, out SlashCommand command, out string message)
    {
        command = default;
        message = line;
        if (!line.StartsWith('/'))
            return false;
        if (line.StartsWith("//", StringComparison.Ordinal))
        {
            message = line[1..];
            return false;
        }
        string body = line[1..];
        int end = body.AsSpan().IndexOfAny(' ', '\t');
        string name = end < 0 ? body : body[..end];
        command = new SlashCommand(name.ToLowerInvariant(), end < 0 ? "" : body[end..].Trim());
        return true;
    }
}
