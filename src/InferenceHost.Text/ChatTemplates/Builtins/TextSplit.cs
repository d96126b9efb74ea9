namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's ways to cut text; limits count cuts, -1 means all.</summary>
internal static class TextSplit
{
    public static List<StringValue> Whitespace(StringValue text, int limit, Budget budget)
    {
        var parts = new List<StringValue>();
        var s = text.Text;
        budget.Scan(s.Length);
        var at = 0;
        while (true)
        {
            while (at < s.Length && PythonText.IsSpace(s[at])) at++;
            if (at == s.Length) return parts;
            var end = at;
            if (limit >= 0 && parts.Count == limit) end = s.Length;
            else while (end < s.Length && !PythonText.IsSpace(s[end])) end++;
            Add(parts, text, at, end, budget);
            at = end;
        }
    }

    public static List<StringValue> WhitespaceFromEnd(StringValue text, int limit, Budget budget)
    {
        var parts = new List<StringValue>();
        var s = text.Text;
        budget.Scan(s.Length);
        var at = s.Length;
        while (true)
        {
            while (at > 0 && PythonText.IsSpace(s[at - 1])) at--;
            if (at == 0) break;
            var start = at;
            if (limit >= 0 && parts.Count == limit) start = 0;
            else while (start > 0 && !PythonText.IsSpace(s[start - 1])) start--;
            Add(parts, text, start, at, budget);
            at = start;
        }

        parts.Reverse();
        return parts;
    }

    public static List<StringValue> Separator(StringValue text, StringValue separator, int limit, Budget budget)
    {
        if (separator.Text.Length == 0) throw new TemplateRenderException("empty separator");
        var parts = new List<StringValue>();
        var at = 0;
        while (limit < 0 || parts.Count < limit)
        {
            var found = TextSearch.IndexOf(text.Text, separator.Text, at, text.Text.Length, budget);
            if (found < 0) break;
            Add(parts, text, at, found, budget);
            at = found + separator.Text.Length;
        }

        Add(parts, text, at, text.Text.Length, budget);
        return parts;
    }

    public static List<StringValue> SeparatorFromEnd(StringValue text, StringValue separator, int limit, Budget budget)
    {
        if (separator.Text.Length == 0) throw new TemplateRenderException("empty separator");
        var parts = new List<StringValue>();
        var end = text.Text.Length;
        while (limit < 0 || parts.Count < limit)
        {
            var found = TextSearch.LastIndexOf(text.Text, separator.Text, 0, end, budget);
            if (found < 0) break;
            Add(parts, text, found + separator.Text.Length, end, budget);
            end = found;
        }

        Add(parts, text, 0, end, budget);
        parts.Reverse();
        return parts;
    }

    public static List<StringValue> Lines(StringValue text, bool keepEnds, Budget budget)
    {
        var parts = new List<StringValue>();
        var s = text.Text;
        budget.Scan(s.Length);
        var start = 0;
        for (var i = 0; i < s.Length; i++)
        {
            if (!PythonText.IsLineEnd(s[i])) continue;
            var next = s[i] == '\r' && i + 1 < s.Length && s[i + 1] == '\n' ? i + 2 : i + 1;
            Add(parts, text, start, keepEnds ? next : i, budget);
            start = next;
            i = next - 1;
        }

        if (start < s.Length) Add(parts, text, start, s.Length, budget);
        return parts;
    }

    public static StringValue Strip(StringValue text, Value? chars, bool left, bool right, Budget budget)
    {
        var s = text.Text;
        Func<int, bool> matches;
        if (Args.IsMissing(chars))
        {
            matches = p => p < 0x10000 && PythonText.IsSpace((char)p);
        }
        else
        {
            var set = TextCase.Points(Args.Text(chars, "strip arg").Text).ToHashSet();
            budget.Items(set.Count);
            matches = set.Contains;
        }

        var start = 0;
        var end = s.Length;
        while (left && start < end && PythonText.PointAt(s, start) is var p && matches(p)) start += p > 0xFFFF ? 2 : 1;
        while (right && end > start)
        {
            var size = end - start >= 2 && char.IsLowSurrogate(s[end - 1]) && char.IsHighSurrogate(s[end - 2]) ? 2 : 1;
            if (!matches(PythonText.PointAt(s, end - size))) break;
            end -= size;
        }

        budget.Text(end - start);
        return text.Units(start, end - start);
    }

    private static void Add(List<StringValue> parts, StringValue text, int start, int end, Budget budget)
    {
        budget.Items(1);
        budget.Bytes((end - start) * sizeof(char));
        parts.Add(text.Units(start, end - start));
    }
}
