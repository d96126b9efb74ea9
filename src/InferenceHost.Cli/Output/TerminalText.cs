using System.Text;

namespace InferenceHost.Cli.Output;

/// <summary>Text of a model or of a file on its way to a terminal.</summary>
internal static class TerminalText
{
    /// <summary>Replaces control characters by their pictures: a model must not move the cursor or set the window title.</summary>
    /// <returns>The text itself where it has none; tab and line feed stay.</returns>
    public static string Sanitize(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\0', '\u001f');
        if (first < 0 && text.AsSpan().IndexOfAnyInRange('\u007f', '\u009f') < 0)
            return text;
        var clean = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            clean.Append(c switch
            {
                '\n' or '\t' => c,
                < ' ' => (char)('\u2400' + c),
                '\u007f' => '\u2421',
                >= '\u0080' and <= '\u009f' => '\ufffd',
                _ => c,
            });
        }
        return clean.ToString();
    }
}
