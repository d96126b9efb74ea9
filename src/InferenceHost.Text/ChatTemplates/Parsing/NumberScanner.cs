using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Number literals: Python's forms with underscores; a leading minus is an operator, a float needs digits on both sides of its point.</summary>
internal static class NumberScanner
{
    /// <summary>Reads the longest literal at a digit.</summary>
    public static Value Scan(string text, int start, out int length)
    {
        var afterPoint = start > 0 && text[start - 1] == '.';
        var whole = Digits(text, start);
        if (!afterPoint && whole > start)
        {
            var end = whole;
            var fraction = end < text.Length && text[end] == '.' ? Digits(text, end + 1) : -1;
            if (fraction > end + 1) end = fraction;
            var exponent = Exponent(text, end);
            if (exponent > 0) end = exponent;
            if (end > whole)
            {
                length = end - start;
                return new FloatValue(double.Parse(Clean(text, start, end), NumberStyles.Float, CultureInfo.InvariantCulture));
            }
        }

        var prefixed = text[start] == '0' && start + 1 < text.Length ? (char)(text[start + 1] | 0x20) : '\0';
        var radix = prefixed switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 };
        if (radix != 10 && Prefixed(text, start + 2, radix, out var value, out var stop))
        {
            length = stop - start;
            return IntValue.Of(value);
        }

        // "007" is a zero followed by another number, as in Jinja.
        var until = text[start] == '0' ? Run(text, start, '0', '0') : Run(text, start, '0', '9');
        length = until - start;
        return IntValue.Of(BigInteger.Parse(Clean(text, start, until), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    private static string Clean(string text, int start, int end) => text[start..end].Replace("_", "", StringComparison.Ordinal);

    private static int Digits(string text, int at) => at < text.Length && char.IsAsciiDigit(text[at]) ? Run(text, at, '0', '9') : at;

    /// <summary>End of a run of digits with single underscores between them.</summary>
    private static int Run(string text, int at, char low, char high)
    {
        at++;
        while (at < text.Length)
        {
            if (text[at] >= low && text[at] <= high) at++;
            else if (text[at] == '_' && at + 1 < text.Length && text[at + 1] >= low && text[at + 1] <= high) at += 2;
            else break;
        }

        return at;
    }

    private static int Exponent(string text, int at)
    {
        if (at >= text.Length || (text[at] | 0x20) != 'e') return -1;
        at++;
        if (at < text.Length && text[at] is '+' or '-') at++;
        var end = Digits(text, at);
        return end > at ? end : -1;
    }

    private static bool Prefixed(string text, int at, int radix, out BigInteger value, out int end)
    {
        value = BigInteger.Zero;
        end = at;
        while (end < text.Length)
        {
            var next = text[end] == '_' && end + 1 < text.Length ? end + 1 : end;
            var digit = char.IsAsciiHexDigit(text[next]) ? Convert.ToInt32(text[next].ToString(), 16) : radix;
            if (digit >= radix) break;
            value = (value * radix) + digit;
            end = next + 1;
        }

        return end > at;
    }
}
