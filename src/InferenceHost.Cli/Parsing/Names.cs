using System.CommandLine;

namespace InferenceHost.Cli.Parsing;

/// <summary>How commands are called in messages.</summary>
internal static class Names
{
    public const string Executable = "inferencehost";

    /// <summary>The command with its parents, e.g. <c>inferencehost models load</c>.</summary>
    public static string FullName(Command command)
    {
        var parts = new Stack<string>();
        for (Command? at = command; at is not null and not RootCommand; at = at.Parents.OfType<Command>().FirstOrDefault())
            parts.Push(at.Name);
        return string.Join(' ', parts.Prepend(Executable));
    }
}
