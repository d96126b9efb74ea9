namespace InferenceHost.Text.ChatTemplates;

/// <summary>Ordinal substring search in linear time, also where .NET's vectorised search would be quadratic.</summary>
internal static class TextSearch
{
    // Below this product of lengths the vectorised search is always fast enough.
    private const long QuadraticFrom = 1 << 22;

    /// <summary>First match inside [start, end), in UTF-16 units, or -1.</summary>
    public static int IndexOf(string text, string part, int start, int end, Budget budget)
    {
        if (end - start < part.Length) return -1;
        budget.Scan(16);
        if ((long)(end - start) * part.Length < QuadraticFrom || part.Length < 32)
        {
            var found = text.AsSpan(start, end - start).IndexOf(part, StringComparison.Ordinal);
            budget.Scan(found < 0 ? end - start : found);
            return found < 0 ? -1 : start + found;
        }

        return KnuthMorrisPratt(text, part, start, end, budget);
    }

    /// <summary>Last match inside [start, end), in UTF-16 units, or -1.</summary>
    public static int LastIndexOf(string text, string part, int start, int end, Budget budget)
    {
        if (end - start < part.Length) return -1;
        if ((long)(end - start) * part.Length < QuadraticFrom || part.Length < 32)
        {
            budget.Scan(end - start);
            var found = text.AsSpan(start, end - start).LastIndexOf(part, StringComparison.Ordinal);
            return found < 0 ? -1 : start + found;
        }

        var last = -1;
        for (var at = start; (at = KnuthMorrisPratt(text, part, at, end, budget)) >= 0; at++) last = at;
        return last;
    }

    private static int KnuthMorrisPratt(string text, string part, int start, int end, Budget budget)
    {
        budget.Bytes(part.Length * sizeof(int));
        budget.Steps((end - start + part.Length) / 8);
        var borders = new int[part.Length];
        for (int i = 1, k = 0; i < part.Length; i++)
        {
            while (k > 0 && part[i] != part[k]) k = borders[k - 1];
            if (part[i] == part[k]) k++;
            borders[i] = k;
        }

        for (int i = start, k = 0; i < end; i++)
        {
            while (k > 0 && text[i] != part[k]) k = borders[k - 1];
            if (text[i] == part[k]) k++;
            if (k == part.Length) return i - k + 1;
        }

        return -1;
    }
}
