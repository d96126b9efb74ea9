namespace InferenceHost.Text.ChatTemplates;

/// <summary>A text whose every character knows its origin. Lengths and indices seen by templates are code points, as in Python; <c>Unit</c> means UTF-16 units.</summary>
internal sealed class StringValue : Value
{
    public static readonly StringValue Empty = new("", TextOrigin.Template);
    private static readonly StringValue[] AsciiTemplate = MakeAscii(TextOrigin.Template);
    private static readonly StringValue[] AsciiMessage = MakeAscii(TextOrigin.Message);

    // Origins alternate at these ends (exclusive, ascending, the last one is the length); null = the whole text has the first origin.
    private readonly int[]? _ends;
    private readonly TextOrigin _first;

    // Start of every code point where the text has surrogate pairs; empty = one unit per code point; null = not looked yet. Benign race: any thread computes the same.
    private int[]? _points;

    public StringValue(string text, TextOrigin origin, bool isMarkup = false)
    {
        Text = text;
        _first = origin;
        IsMarkup = isMarkup;
    }

    internal StringValue(string text, TextOrigin first, int[]? ends, bool isMarkup = false)
    {
        Text = text;
        _first = first;
        _ends = ends;
        IsMarkup = isMarkup;
    }

    public string Text { get; }

    /// <summary>Whether this is markupsafe's Markup: what is added to it gets HTML-escaped.</summary>
    public bool IsMarkup { get; }

    public override string TypeName => IsMarkup ? "Markup" : "str";

    public override bool Truthy => Text.Length > 0;

    public bool IsUniform => _ends is null;

    public TextOrigin FirstOrigin => _first;

    public int[]? Ends => _ends;

    public override TextOrigin Origin => _ends is null ? _first : TextOrigin.Message;

    /// <summary>Length in code points; a lone surrogate counts as one.</summary>
    public int Length => Points.Length == 0 ? Text.Length : Points.Length - 1;

    private int[] Points => _points ??= FindPoints(Text);

    public static StringValue Template(string text) => new(text, TextOrigin.Template);

    public static StringValue Of(string text, TextOrigin origin) => new(text, origin);

    public StringValue WithMarkup(bool markup) => markup == IsMarkup ? this : new StringValue(Text, _first, _ends, markup);

    /// <summary>UTF-16 index of a code point index from 0 to <see cref="Length"/>.</summary>
    public int UnitAt(int point) => Points.Length == 0 ? point : Points[point];

    /// <summary>Code point index of a UTF-16 index that starts a code point.</summary>
    public int PointAt(int unit)
    {
        if (Points.Length == 0) return unit;
        var found = Array.BinarySearch(Points, unit);
        return found >= 0 ? found : ~found;
    }

    /// <summary>The code point at a code point index.</summary>
    public StringValue CharAt(int point)
    {
        var start = UnitAt(point);
        var length = UnitAt(point + 1) - start;
        var origin = OriginAt(start);
        if (length == 1 && !IsMarkup && Text[start] < 128) return (origin == TextOrigin.Template ? AsciiTemplate : AsciiMessage)[Text[start]];
        return new StringValue(Text.Substring(start, length), origin, IsMarkup);
    }

    /// <summary>The part of <paramref name="length"/> UTF-16 units from <paramref name="start"/>, with its origins.</summary>
    public StringValue Units(int start, int length)
    {
        if (length == Text.Length) return this;
        if (length <= 0) return IsMarkup ? new StringValue("", TextOrigin.Template, true) : Empty;
        var text = Text.Substring(start, length);
        if (_ends is null) return new StringValue(text, _first, IsMarkup);
        var run = RunAt(start);
        var end = start + length;
        var last = RunAt(end - 1);
        var first = OriginOfRun(run);
        if (run == last) return new StringValue(text, first, IsMarkup);
        var ends = new int[last - run + 1];
        for (var i = run; i < last; i++) ends[i - run] = _ends[i] - start;
        ends[^1] = length;
        return new StringValue(text, first, ends, IsMarkup);
    }

    /// <summary>Origin of the character at a UTF-16 index.</summary>
    public TextOrigin OriginAt(int unit) => _ends is null ? _first : OriginOfRun(RunAt(unit));

    /// <summary>UTF-16 index after the run of equal origin that holds <paramref name="unit"/>.</summary>
    public int RunEnd(int unit) => _ends is null ? Text.Length : _ends[RunAt(unit)];

    public override string ToString() => Text;

    private TextOrigin OriginOfRun(int run) => (TextOrigin)((int)_first ^ (run & 1));

    private int RunAt(int unit)
    {
        var found = Array.BinarySearch(_ends!, unit);
        return found >= 0 ? found + 1 : ~found;
    }

    private static int[] FindPoints(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return [];
        var points = new List<int>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            points.Add(i);
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
        }

        points.Add(text.Length);
        return [.. points];
    }

    private static StringValue[] MakeAscii(TextOrigin origin) => [.. Enumerable.Range(0, 128).Select(c => new StringValue(((char)c).ToString(), origin))];
}
