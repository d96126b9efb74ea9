namespace InferenceHost.Text.ChatTemplates;

/// <summary>Puts a text together while keeping the origin of every character; charges the budget as it grows.</summary>
internal sealed class TextBuilder(Budget budget)
{
    private char[] _chars = new char[64];
    private int _length;

    // Ends of all runs but the last one; see StringValue.
    private List<int>? _ends;
    private TextOrigin _first;
    private TextOrigin _last;

    public int Length => _length;

    public Budget Budget => budget;

    public ReadOnlySpan<char> Chars => _chars.AsSpan(0, _length);

    public TextBuilder Append(ReadOnlySpan<char> text, TextOrigin origin)
    {
        if (text.Length == 0) return this;
        Mark(origin);
        Reserve(text.Length);
        text.CopyTo(_chars.AsSpan(_length));
        _length += text.Length;
        return this;
    }

    public TextBuilder Append(string text, TextOrigin origin = TextOrigin.Template) => Append(text.AsSpan(), origin);

    public TextBuilder Append(char c, TextOrigin origin)
    {
        Mark(origin);
        if (_length == _chars.Length) Reserve(1);
        _chars[_length++] = c;
        return this;
    }

    public TextBuilder Append(StringValue text) => Append(text, 0, text.Text.Length);

    /// <summary>Appends a part, given in UTF-16 units.</summary>
    public TextBuilder Append(StringValue text, int start, int length)
    {
        if (text.IsUniform) return Append(text.Text.AsSpan(start, length), text.FirstOrigin);
        var end = start + length;
        while (start < end)
        {
            var stop = Math.Min(end, text.RunEnd(start));
            Append(text.Text.AsSpan(start, stop - start), text.OriginAt(start));
            start = stop;
        }

        return this;
    }

    public TextBuilder Repeat(StringValue text, long count)
    {
        if (count <= 0 || text.Text.Length == 0) return this;
        budget.Text(text.Text.Length * count);
        if (!text.IsUniform)
        {
            budget.Steps(count);
            for (long i = 0; i < count; i++) Append(text);
            return this;
        }

        Mark(text.FirstOrigin);
        var total = text.Text.Length * (int)count;
        Reserve(total);
        var span = _chars.AsSpan(_length, total);
        if (text.Text.Length == 1) span.Fill(text.Text[0]);
        else for (var at = 0; at < total; at += text.Text.Length) text.Text.CopyTo(span[at..]);
        _length += total;
        return this;
    }

    public TextBuilder AppendPoint(int point, TextOrigin origin)
    {
        if (point < 0x10000) return Append((char)point, origin);
        Span<char> pair = [(char)(0xD800 + ((point - 0x10000) >> 10)), (char)(0xDC00 + ((point - 0x10000) & 0x3FF))];
        return Append(pair, origin);
    }

    public StringValue ToValue(bool markup = false)
    {
        if (_length == 0) return markup ? new StringValue("", TextOrigin.Template, true) : StringValue.Empty;
        return new StringValue(new string(_chars, 0, _length), _first, AllEnds(), markup);
    }

    /// <summary>The runs of equal origin.</summary>
    public PromptSpan[] ToSpans()
    {
        if (_length == 0) return [];
        var ends = AllEnds() ?? [_length];
        var spans = new PromptSpan[ends.Length];
        var start = 0;
        for (var i = 0; i < ends.Length; i++)
        {
            spans[i] = new PromptSpan(start, ends[i] - start, (TextOrigin)((int)_first ^ (i & 1)));
            start = ends[i];
        }

        return spans;
    }

    private int[]? AllEnds() => _ends is null ? null : [.. _ends, _length];

    private void Mark(TextOrigin origin)
    {
        if (_length == 0)
        {
            _first = _last = origin;
        }
        else if (origin != _last)
        {
            budget.Bytes(sizeof(int));
            (_ends ??= []).Add(_length);
            _last = origin;
        }
    }

    private void Reserve(int more)
    {
        if (_length + (long)more <= _chars.Length) return;
        var wanted = Math.Max(_length + (long)more, Math.Min(_chars.Length * 2L, budget.Limits.MaxOutputChars));
        budget.Text(wanted);
        var larger = GC.AllocateUninitializedArray<char>((int)wanted);
        _chars.AsSpan(0, _length).CopyTo(larger);
        _chars = larger;
    }
}
