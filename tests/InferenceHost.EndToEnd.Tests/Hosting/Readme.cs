namespace InferenceHost.EndToEnd.Tests.Hosting;

/// <summary>The fenced blocks of README.md.</summary>
internal static class Readme
{
    public static string Path => System.IO.Path.Combine(Repository.Root, "README.md");

    /// <summary>Blocks of one language, in order, without their fences.</summary>
    public static IReadOnlyList<string> Blocks(string language)
    {
        var blocks = new List<string>();
        List<string>? current = null;
        foreach (string line in File.ReadLines(Path))
        {
            if (current is null && line == "```" + language)
                current = [];
            else if (current is not null && line == "```")
            {
                blocks.Add(string.Join('\n', current));
                current = null;
            }
            else
                current?.Add(line);
        }
        return blocks;
    }
}
