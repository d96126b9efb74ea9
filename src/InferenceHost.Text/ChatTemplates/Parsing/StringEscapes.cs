using System.Globalization;
using System.Text;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>The escapes of Python string literals, as Jinja resolves them.</summary>
internal static class StringEscapes
{
    /// <param name="literal">What stands between the quotes.</param>
    /// <param name="error">What is wrong, or null.</param>
    public static string Unescape(ReadOnlySpan<char> literal, out string? error)
    {
        error = null;
        if (!literal.Contains('\\')) return literal.ToString();
        var result = new StringBuilder(literal.Length);
        for (var i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '\\')
            {
                result.Append(literal[i]);
                continue;
            }

            var c = literal[++i];
            var simple = "\\'\"abfnrtv".IndexOf(c, StringComparison.Ordinal);
            if (simple >= 0) result.Append("\\'\"\a\b\f\n\r\t\v"[simple]);
            else if (c == '\n') continue;
            else if (c is >= '0' and <= '7') i = Octal(literal, i, result);
            else if (c is 'x' or 'u' or 'U')
            {
                var digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
                if (!TryHex(literal, i + 1, digits, result))
                {
                    error = $"truncated \\{c}{new string('X', digits)} escape";
                    return "";
                }

                i += digits;
            }
            else if (c == 'N')
            {
                error = "character names (\\N{...}) are not supported";
                return "";
            }
            else if (c < 128) result.Append('\\').Append(c);
            else i = NonAscii(literal, i, result);
        }

        return result.ToString();
    }

    private static int Octal(ReadOnlySpan<char> literal, int i, StringBuilder result)
    {
        var value = 0;
        var end = i;
        while (end < literal.Length && end < i + 3 && literal[end] is >= '0' and <= '7') value = (value * 8) + (literal[end++] - '0');
        result.Append((char)value);
        return end - 1;
    }

    private static bool TryHex(ReadOnlySpan<char> literal, int start, int digits, StringBuilder result)
    {
        if (start + digits > literal.Length) return false;
        if (!uint.TryParse(literal.Slice(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point) || point > 0x10FFFF) return false;
        if (point < 0x10000) result.Append((char)point);
        else result.Append(char.ConvertFromUtf32((int)point));
        return true;
    }

    // The reference turns other characters into escapes first, so a backslash before one doubles up and the escape shows as text.
    private static int NonAscii(ReadOnlySpan<char> literal, int i, StringBuilder result)
    {
        var c = literal[i];
        if (char.IsHighSurrogate(c) && i + 1 < literal.Length && char.IsLowSurrogate(literal[i + 1]))
        {
            result.Append(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(c, literal[i + 1]):x8}");
            return i + 1;
        }

        result.Append(c < 0x100 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}");
        return i;
    }
}
