namespace InferenceHost.Text.ChatTemplates;

/// <summary>Template source with its line ends made <c>\n</c> and one trailing line end dropped, as Jinja does.</summary>
internal sealed class SourceText
{
    public SourceText(string source)
    {
        var text = source.Contains('\r', StringComparison.Ordinal)
            ? source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n')
            : source;
        Text = text.EndsWith('\n') ? text[..^1] : text;
    }

    public string Text { get; }

    /// <summary>Line and column, from 1, of an offset.</summary>
    public (int Line, int Column) Locate(int position)
    {
        var before = Text.AsSpan(0, Math.Clamp(position, 0, Text.Length));
        var lineStart = before.LastIndexOf('\n') + 1;
        return (before.Count('\n') + 1, before.Length - lineStart + 1);
    }

    public TemplateSyntaxException Error(string message, int position)
    {
        var (line, column) = Locate(position);
        return new TemplateSyntaxException(message, line, column);
    }
}
