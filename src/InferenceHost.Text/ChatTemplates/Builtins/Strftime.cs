using System.Globalization;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>C's strftime in the C locale, with the flags of glibc, for a time without zone.</summary>
internal static class Strftime
{
    private const int MaxWidth = 1024;
    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private static readonly string[] Months =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

    public static StringValue Format(DateTime time, StringValue format, Budget budget)
    {
        var builder = new TextBuilder(budget);
        var text = format.Text;
        for (var i = 0; i < text.Length; i++)
        {
            var origin = format.OriginAt(i);
            if (text[i] != '%' || i + 1 >= text.Length)
            {
                builder.Append(text[i], origin);
                continue;
            }

            var start = i++;
            var flag = text[i] is '-' or '_' or '0' or '^' or '#' ? text[i++] : '\0';
            var width = 0;
            for (; i < text.Length && char.IsAsciiDigit(text[i]); i++) width = Math.Min((width * 10) + (text[i] - '0'), MaxWidth);
            var expanded = i < text.Length ? Expand(text[i], time, flag) : null;
            if (expanded?.Length < width) expanded = expanded.PadLeft(width, char.IsAsciiDigit(expanded[0]) && flag != '_' ? '0' : ' ');
            if (expanded is null) builder.Append(format, start, Math.Min(i + 1, text.Length) - start);
            else builder.Append(expanded, origin);
        }

        return builder.ToValue();
    }

    private static string? Expand(char code, DateTime t, char flag) => code switch
    {
        'Y' => Number(t.Year, 1, flag),
        'C' => Number(t.Year / 100, 2, flag),
        'y' => Number(t.Year % 100, 2, flag),
        'm' => Number(t.Month, 2, flag),
        'd' => Number(t.Day, 2, flag),
        'e' => Number(t.Day, 2, flag == '\0' ? '_' : flag),
        'j' => Number(t.DayOfYear, 3, flag),
        'H' => Number(t.Hour, 2, flag),
        'k' => Number(t.Hour, 2, flag == '\0' ? '_' : flag),
        'I' => Number(Hour12(t), 2, flag),
        'l' => Number(Hour12(t), 2, flag == '\0' ? '_' : flag),
        'M' => Number(t.Minute, 2, flag),
        'S' => Number(t.Second, 2, flag),
        'f' => (t.Ticks % TimeSpan.TicksPerSecond / 10).ToString("000000", CultureInfo.InvariantCulture),
        'p' => Word(t.Hour < 12 ? "AM" : "PM", flag),
        'P' => t.Hour < 12 ? "am" : "pm",
        'A' => Word(Days[(int)t.DayOfWeek], flag),
        'a' => Word(Days[(int)t.DayOfWeek][..3], flag),
        'B' => Word(Months[t.Month - 1], flag),
        'b' or 'h' => Word(Months[t.Month - 1][..3], flag),
        'u' => Number(t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek, 1, flag),
        'w' => Number((int)t.DayOfWeek, 1, flag),
        'U' => Number((t.DayOfYear + 6 - (int)t.DayOfWeek) / 7, 2, flag),
        'W' => Number((t.DayOfYear + 6 - (((int)t.DayOfWeek + 6) % 7)) / 7, 2, flag),
        'V' => Number(ISOWeek.GetWeekOfYear(t), 2, flag),
        'G' => Number(ISOWeek.GetYear(t), 1, flag),
        'g' => Number(ISOWeek.GetYear(t) % 100, 2, flag),
        's' => new DateTimeOffset(DateTime.SpecifyKind(t, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'D' or 'x' => $"{Expand('m', t, '\0')}/{Expand('d', t, '\0')}/{Expand('y', t, '\0')}",
        'F' => $"{t.Year}-{Expand('m', t, '\0')}-{Expand('d', t, '\0')}",
        'T' or 'X' => $"{Expand('R', t, '\0')}:{Expand('S', t, '\0')}",
        'R' => $"{Expand('H', t, '\0')}:{Expand('M', t, '\0')}",
        'r' => $"{Expand('I', t, '\0')}:{Expand('M', t, '\0')}:{Expand('S', t, '\0')} {Expand('p', t, '\0')}",
        'c' => $"{Expand('a', t, '\0')} {Expand('b', t, '\0')} {Expand('e', t, '\0')} {Expand('T', t, '\0')} {t.Year}",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        'z' or 'Z' => "",
        _ => null,
    };

    private static int Hour12(DateTime t) => t.Hour % 12 == 0 ? 12 : t.Hour % 12;

    private static string Number(int value, int width, char flag)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        return flag == '-' ? text : text.PadLeft(width, flag == '_' ? ' ' : '0');
    }

    private static string Word(string word, char flag) => flag == '^' ? word.ToUpperInvariant() : flag == '#' ? SwapCase(word) : word;

    private static string SwapCase(string word) => word is "AM" or "PM" ? word.ToLowerInvariant() : word.ToUpperInvariant();
}
