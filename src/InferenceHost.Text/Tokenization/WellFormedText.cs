using System.Text;

namespace InferenceHost.Text.Tokenization;

/// <summary>Finds and mends lone surrogates: UTF-16 that has no UTF-8 form and that native tokenizers abort on.</summary>
public static class WellFormedText
{
    /// <summary>Offset of the first lone surrogate; -1 when the text is well-formed.</summary>
    public static int IndexOfLoneSurrogate(ReadOnlySpan<char> text)
    {
        var offset = 0;
        while (text[offset..].IndexOfAnyInRange('\uD800', '\uDFFF') is var found && found >= 0)
        {
            offset += found;
            if (!char.IsHighSurrogate(text[offset]) || offset + 1 == text.Length || !char.IsLowSurrogate(text[offset + 1]))
                return offset;
            offset += 2;
        }

        return -1;
    }

    /// <summary>The text with each lone surrogate replaced by U+FFFD; the same string when there is none.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="firstReplaced">Offset of the first one, -1 when there is none.</param>
    public static string Sanitise(string text, out int firstReplaced)
    {
        ArgumentNullException.ThrowIfNull(text);
        firstReplaced = IndexOfLoneSurrogate(text);
        return firstReplaced < 0 ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
    }
}
