namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's case methods; what a character becomes keeps the character's origin.</summary>
internal static class TextCase
{
    public static StringValue Upper(StringValue text, Budget budget)
    {
        budget.Text(text.Text.Length);
        if (!CaseTables.HasSpecialUpper(text.Text)) return SameShape(text, text.Text.ToUpperInvariant());
        return Map(text, budget, (point, _) => CaseTables.Upper(point));
    }

    public static StringValue Lower(StringValue text, Budget budget)
    {
        budget.Text(text.Text.Length);
        if (!CaseTables.HasSpecialLower(text.Text)) return SameShape(text, text.Text.ToLowerInvariant());
        return Map(text, budget, (point, at) => LowerAt(text.Text, point, at));
    }

    public static StringValue Capitalize(StringValue text, Budget budget) =>
        Map(text, budget, (point, at) => at == 0 ? CaseTables.Title(point) : LowerAt(text.Text, point, at));

    /// <summary><c>str.title</c>: a cased character after an uncased one starts a word.</summary>
    public static StringValue Title(StringValue text, Budget budget)
    {
        var inWord = false;
        return Map(text, budget, (point, at) =>
        {
            var mapped = inWord ? LowerAt(text.Text, point, at) : CaseTables.Title(point);
            inWord = IsCased(point);
            return mapped;
        });
    }

    public static StringValue SwapCase(StringValue text, Budget budget) => Map(text, budget, (point, at) =>
        PythonText.IsUpper(point) ? LowerAt(text.Text, point, at) : PythonText.IsLower(point) ? CaseTables.Upper(point) : Plain(point));

    public static StringValue CaseFold(StringValue text, Budget budget) => Map(text, budget, (point, _) => point switch
    {
        0x3C2 => "\u03c3",
        0x17F => "s",
        0xB5 => "\u03bc",
        _ when CaseTables.Upper(point) is { Length: > 1 } upper && point < 0xD800 | point > 0xDFFF && point < 0x10000 => string.Concat(upper.Select(c => CaseTables.Lower(c))),
        _ => CaseTables.Lower(point),
    });

    public static bool IsLower(string text) => HasCaseOnly(text, PythonText.IsLower, p => PythonText.IsUpper(p) || PythonText.IsTitle(p));

    public static bool IsUpper(string text) => HasCaseOnly(text, PythonText.IsUpper, p => PythonText.IsLower(p) || PythonText.IsTitle(p));

    public static bool IsTitle(string text)
    {
        var (cased, any) = (false, false);
        foreach (var point in Points(text))
        {
            if (PythonText.IsUpper(point) || PythonText.IsTitle(point))
            {
                if (cased) return false;
                cased = any = true;
            }
            else if (PythonText.IsLower(point))
            {
                if (!cased) return false;
                any = true;
            }
            else
            {
                cased = false;
            }
        }

        return any;
    }

    public static IEnumerable<int> Points(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var point = PythonText.PointAt(text, i);
            if (point > 0xFFFF) i++;
            yield return point;
        }
    }

    private static bool HasCaseOnly(string text, Func<int, bool> wanted, Func<int, bool> refused)
    {
        var any = false;
        foreach (var point in Points(text))
        {
            if (refused(point)) return false;
            any |= wanted(point);
        }

        return any;
    }

    private static bool IsCased(int point) => PythonText.IsUpper(point) || PythonText.IsLower(point) || PythonText.IsTitle(point);

    // A capital sigma that ends a word has its own small form.
    private static string LowerAt(string text, int point, int at)
    {
        if (point != 0x3A3) return CaseTables.Lower(point);
        var before = at - 1;
        while (before >= 0 && text[before] is '\'' or '.' or ':' or '\xAD' or '\u2019') before--;
        var after = at + 1;
        while (after < text.Length && text[after] is '\'' or '.' or ':' or '\xAD' or '\u2019') after++;
        var ends = before >= 0 && IsCased(text[before]) && (after >= text.Length || !IsCased(PythonText.PointAt(text, after)));
        return ends ? "\u03c2" : "\u03c3";
    }

    private static string Plain(int point) => point < 0x10000 ? ((char)point).ToString() : char.ConvertFromUtf32(point);

    private static StringValue SameShape(StringValue original, string text) => new(text, original.FirstOrigin, original.Ends, original.IsMarkup);

    private static StringValue Map(StringValue text, Budget budget, Func<int, int, string> map)
    {
        budget.Steps(text.Text.Length / 4);
        var builder = new TextBuilder(budget);
        for (var i = 0; i < text.Text.Length; i++)
        {
            var point = PythonText.PointAt(text.Text, i);
            builder.Append(map(point, i), text.OriginAt(i));
            if (point > 0xFFFF) i++;
        }

        return builder.ToValue(text.IsMarkup);
    }
}
