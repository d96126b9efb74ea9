namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's <c>textwrap.wrap</c> for one paragraph, white space kept as it is.</summary>
internal static class TextWrap
{
    public static List<StringValue> Wrap(StringValue text, int width, bool breakLongWords, bool breakOnHyphens, Budget budget)
    {
        if (width <= 0) throw new TemplateRenderException($"invalid width {width} (must be > 0)");
        var chunks = new Stack<StringValue>(Split(text, breakOnHyphens, budget).AsEnumerable().Reverse());
        var lines = new List<StringValue>();
        while (chunks.Count > 0)
        {
            var line = new List<StringValue>();
            var length = 0;
            if (lines.Count > 0 && IsBlank(chunks.Peek())) chunks.Pop();
            while (chunks.Count > 0 && length + chunks.Peek().Length <= width)
            {
                length += chunks.Peek().Length;
                line.Add(chunks.Pop());
            }

            if (chunks.Count > 0 && chunks.Peek().Length > width) BreakLongWord(chunks, line, width - length, breakLongWords, breakOnHyphens);
            if (line.Count > 0 && IsBlank(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count == 0) continue;
            var builder = new TextBuilder(budget);
            foreach (var chunk in line) builder.Append(chunk);
            lines.Add(builder.ToValue());
        }

        return lines;
    }

    private static void BreakLongWord(Stack<StringValue> chunks, List<StringValue> line, int room, bool breakLongWords, bool breakOnHyphens)
    {
        if (!breakLongWords)
        {
            if (line.Count == 0) line.Add(chunks.Pop());
            return;
        }

        var chunk = chunks.Pop();
        var end = chunk.UnitAt(room);
        if (breakOnHyphens && end > 0)
        {
            var hyphen = chunk.Text.LastIndexOf('-', end - 1);
            if (hyphen > 0 && chunk.Text.AsSpan(0, hyphen).IndexOfAnyExcept('-') >= 0) end = hyphen + 1;
        }

        line.Add(chunk.Units(0, end));
        chunks.Push(chunk.Units(end, chunk.Text.Length - end));
    }

    private static List<StringValue> Split(StringValue text, bool breakOnHyphens, Budget budget)
    {
        var s = text.Text;
        var chunks = new List<StringValue>();
        for (var i = 0; i < s.Length;)
        {
            var end = i + 1;
            if (IsSpace(s[i]))
            {
                while (end < s.Length && IsSpace(s[end])) end++;
            }
            else if (!breakOnHyphens)
            {
                while (end < s.Length && !IsSpace(s[end])) end++;
            }
            else if (i > 0 && IsWordPunctuation(s[i - 1]) && DashEnd(s, i) is var dash && dash > 0)
            {
                end = dash;
            }
            else
            {
                end = WordEnd(s, i);
            }

            budget.Items(4);
            chunks.Add(text.Units(i, end - i));
            i = end;
        }

        return chunks;
    }

    /// <summary>End of a word that starts at <paramref name="start"/>: at white space, after a hyphen between letters, before a dash.</summary>
    private static int WordEnd(string s, int start)
    {
        for (var j = start + 1; ; j++)
        {
            if (j >= s.Length || IsSpace(s[j])) return j;
            if (s[j] == '-' && IsHyphenation(s, j)) return j + 1;
            if (IsWordPunctuation(s[j - 1]) && DashEnd(s, j) > 0) return j;
        }
    }

    private static bool IsHyphenation(string s, int hyphen)
    {
        var after = IsLetter(s, hyphen + 1) && (IsLetter(s, hyphen + 2) || (At(s, hyphen + 2) == '-' && IsLetter(s, hyphen + 3)));
        return after && ((IsLetter(s, hyphen - 1) && IsLetter(s, hyphen - 2))
            || (IsLetter(s, hyphen - 3) && At(s, hyphen - 2) == '-' && hyphen > 0 && IsWordPunctuation(s[hyphen - 1])));
    }

    /// <summary>End of two or more hyphens before a word character, or -1.</summary>
    private static int DashEnd(string s, int at)
    {
        var end = at;
        while (end < s.Length && s[end] == '-') end++;
        return end - at >= 2 && end < s.Length && PythonText.IsWord(PythonText.PointAt(s, end)) ? end : -1;
    }

    private static char At(string s, int i) => i >= 0 && i < s.Length ? s[i] : '\0';

    private static bool IsLetter(string s, int i) => At(s, i) is var c && c != '\0' && PythonText.IsWord(c) && !PythonText.IsDecimal(c);

    private static bool IsWordPunctuation(char c) => c is '!' or '"' or '\'' or '&' or '.' or ',' or '?' || PythonText.IsWord(c);

    private static bool IsSpace(char c) => c is '\t' or '\n' or '\v' or '\f' or '\r' or ' ';

    private static bool IsBlank(StringValue text) => text.Text.All(PythonText.IsSpace);
}
