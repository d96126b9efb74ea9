using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>The methods of <c>str</c>. Indices are code points.</summary>
internal static class StringMethods
{
    public static readonly FrozenDictionary<string, Builtin> All = new Table()
        .Add("upper", "/self", (c, a) => TextCase.Upper(Self(a), c.Budget))
        .Add("lower", "/self", (c, a) => TextCase.Lower(Self(a), c.Budget))
        .Add("capitalize", "/self", (c, a) => TextCase.Capitalize(Self(a), c.Budget))
        .Add("title", "/self", (c, a) => TextCase.Title(Self(a), c.Budget))
        .Add("swapcase", "/self", (c, a) => TextCase.SwapCase(Self(a), c.Budget))
        .Add("casefold", "/self", (c, a) => TextCase.CaseFold(Self(a), c.Budget))
        .Add("strip", "/self chars=", (c, a) => TextSplit.Strip(Self(a), a[1], true, true, c.Budget))
        .Add("lstrip", "/self chars=", (c, a) => TextSplit.Strip(Self(a), a[1], true, false, c.Budget))
        .Add("rstrip", "/self chars=", (c, a) => TextSplit.Strip(Self(a), a[1], false, true, c.Budget))
        .Add("split", "self sep= maxsplit=", (c, a) => List(a[1] is null or NoneValue
            ? TextSplit.Whitespace(Self(a), Args.Int(a[2], -1), c.Budget)
            : TextSplit.Separator(Self(a), Args.Text(a[1], "sep"), Args.Int(a[2], -1), c.Budget), Self(a)))
        .Add("rsplit", "self sep= maxsplit=", (c, a) => List(a[1] is null or NoneValue
            ? TextSplit.WhitespaceFromEnd(Self(a), Args.Int(a[2], -1), c.Budget)
            : TextSplit.SeparatorFromEnd(Self(a), Args.Text(a[1], "sep"), Args.Int(a[2], -1), c.Budget), Self(a)))
        .Add("splitlines", "self keepends=", (c, a) => List(TextSplit.Lines(Self(a), Args.Flag(a[1]), c.Budget), Self(a)))
        .Add("partition", "/self sep", (c, a) => Partition(c, a, fromEnd: false))
        .Add("rpartition", "/self sep", (c, a) => Partition(c, a, fromEnd: true))
        .Add("join", "/self iterable", (c, a) => Join(Self(a), a[1]!, c))
        .Add("replace", "/self old new count=", (c, a) => Replace(Self(a), Args.Text(a[1], "replace() argument 1"), Args.Text(a[2], "replace() argument 2"), Args.Int(a[3], -1), c.Budget))
        .Add("startswith", "/self prefix start= end=", (_, a) => HasAffix(a, "startswith", (s, part) => s.StartsWith(part)))
        .Add("endswith", "/self suffix start= end=", (_, a) => HasAffix(a, "endswith", (s, part) => s.EndsWith(part)))
        .Add("removeprefix", "/self prefix", (c, a) => Args.Text(a[1], "removeprefix() argument") is var p && Self(a).Text.StartsWith(p.Text, StringComparison.Ordinal) ? Cut(Self(a), p.Text.Length, Self(a).Text.Length, c) : Self(a))
        .Add("removesuffix", "/self suffix", (c, a) => Args.Text(a[1], "removesuffix() argument") is var p && Self(a).Text.EndsWith(p.Text, StringComparison.Ordinal) ? Cut(Self(a), 0, Self(a).Text.Length - p.Text.Length, c) : Self(a))
        .Add("find", "/self sub start= end=", (c, a) => IntValue.Of(Find(c, a, fromEnd: false)))
        .Add("rfind", "/self sub start= end=", (c, a) => IntValue.Of(Find(c, a, fromEnd: true)))
        .Add("index", "/self sub start= end=", (c, a) => Found(Find(c, a, fromEnd: false)))
        .Add("rindex", "/self sub start= end=", (c, a) => Found(Find(c, a, fromEnd: true)))
        .Add("count", "/self sub start= end=", Count)
        .Add("center", "/self width fillchar=", (c, a) => Center(Self(a), Args.Width(a[1], 0, c.Budget), Fill(a[2]), c.Budget))
        .Add("ljust", "/self width fillchar=", (c, a) => Pad(Self(a), 0, Args.Width(a[1], 0, c.Budget) - Self(a).Length, Fill(a[2]), c.Budget))
        .Add("rjust", "/self width fillchar=", (c, a) => Pad(Self(a), Args.Width(a[1], 0, c.Budget) - Self(a).Length, 0, Fill(a[2]), c.Budget))
        .Add("zfill", "/self width", (c, a) => ZeroFill(Self(a), Args.Width(a[1], 0, c.Budget), c.Budget))
        .Add("expandtabs", "self tabsize=", (c, a) => ExpandTabs(Self(a), Args.Width(a[1], 8, c.Budget), c.Budget))
        .Add("format", (c, a) => StrFormat.Format((StringValue)a.Positional[0], a.Skip(1), null, c))
        .Add("format_map", "/self mapping", (c, a) => StrFormat.Format(Self(a), CallArguments.None, a[1], c))
        .Add("encode", "self encoding= errors=", (c, a) => BytesMethods.Encode(Self(a), Args.Text(a[1], "encoding").Text, c.Budget))
        .Add("translate", "/self table", Translate)
        .Add("maketrans", "/self x y= z=", MakeTranslation)
        .Add("isalnum", "/self", (_, a) => All1(a, PythonText.IsAlphanumeric))
        .Add("isalpha", "/self", (_, a) => All1(a, PythonText.IsAlpha))
        .Add("isdecimal", "/self", (_, a) => All1(a, PythonText.IsDecimal))
        .Add("isdigit", "/self", (_, a) => All1(a, PythonText.IsDigit))
        .Add("isnumeric", "/self", (_, a) => All1(a, PythonText.IsNumeric))
        .Add("isspace", "/self", (_, a) => All1(a, p => p < 0x10000 && PythonText.IsSpace((char)p)))
        .Add("isascii", "/self", (_, a) => BoolValue.Of(System.Text.Ascii.IsValid(Self(a).Text)))
        .Add("isprintable", "/self", (_, a) => BoolValue.Of(TextCase.Points(Self(a).Text).All(PythonText.IsPrintable)))
        .Add("isidentifier", "/self", (_, a) => BoolValue.Of(PythonText.IsIdentifier(Self(a).Text)))
        .Add("islower", "/self", (_, a) => BoolValue.Of(TextCase.IsLower(Self(a).Text)))
        .Add("isupper", "/self", (_, a) => BoolValue.Of(TextCase.IsUpper(Self(a).Text)))
        .Add("istitle", "/self", (_, a) => BoolValue.Of(TextCase.IsTitle(Self(a).Text)))
        .Freeze();

    public static StringValue Join(StringValue separator, Value iterable, RenderContext context)
    {
        var builder = new TextBuilder(context.Budget);
        var index = 0;
        foreach (var item in Sequences.Iterate(iterable, context))
        {
            if (item is not StringValue text) throw new TemplateRenderException($"sequence item {index}: expected str instance, {item.TypeName} found");
            context.Budget.Step();
            if (index++ > 0) builder.Append(separator);
            builder.Append(separator.IsMarkup ? Html.Escape(text, context.Budget) : text);
        }

        return builder.ToValue(separator.IsMarkup);
    }

    /// <summary>Replaces the first <paramref name="count"/> matches, all for -1; an empty pattern matches between all characters.</summary>
    public static StringValue Replace(StringValue text, StringValue old, StringValue replacement, int count, Budget budget)
    {
        if (text.IsMarkup) replacement = Html.Escape(replacement, budget);
        var builder = new TextBuilder(budget);
        var source = text.Text;
        var at = 0;
        if (old.Text.Length == 0)
        {
            for (var i = 0; i <= text.Length && (count < 0 || i < count); i++)
            {
                builder.Append(replacement);
                if (i == text.Length) return builder.ToValue(text.IsMarkup);
                builder.Append(text, text.UnitAt(i), text.UnitAt(i + 1) - text.UnitAt(i));
                at = text.UnitAt(i + 1);
            }

            return builder.Append(text, at, source.Length - at).ToValue(text.IsMarkup);
        }

        while (count != 0)
        {
            var found = TextSearch.IndexOf(source, old.Text, at, source.Length, budget);
            if (found < 0) break;
            builder.Append(text, at, found - at).Append(replacement);
            at = found + old.Text.Length;
            count--;
        }

        return at == 0 ? text : builder.Append(text, at, source.Length - at).ToValue(text.IsMarkup);
    }

    public static StringValue Center(StringValue text, int width, StringValue fill, Budget budget)
    {
        // CPython puts the odd blank to the left where the width is odd.
        var room = Math.Max(0, width - text.Length);
        var left = (room / 2) + (room & width & 1);
        return Pad(text, left, room - left, fill, budget);
    }

    private static StringValue Self(Value?[] a) => (StringValue)a[0]!;

    private static ListValue List(List<StringValue> parts, StringValue origin) => new([.. parts], origin: origin.Origin);

    private static BoolValue All1(Value?[] a, Func<int, bool> test) => BoolValue.Of(Self(a).Text.Length > 0 && TextCase.Points(Self(a).Text).All(test));

    private static StringValue Cut(StringValue text, int start, int end, RenderContext context)
    {
        context.Budget.Text(end - start);
        return text.Units(start, end - start);
    }

    private static StringValue Fill(Value? value)
    {
        if (value is null) return StringValue.Template(" ");
        var fill = Args.Text(value, "fill character");
        return fill.Length == 1 ? fill : throw new TemplateRenderException("The fill character must be exactly one character long");
    }

    private static StringValue Pad(StringValue text, int left, int right, StringValue fill, Budget budget) =>
        left <= 0 && right <= 0 ? text : new TextBuilder(budget).Repeat(fill, left).Append(text).Repeat(fill, right).ToValue(text.IsMarkup);

    private static ListValue Partition(RenderContext context, Value?[] a, bool fromEnd)
    {
        var text = Self(a);
        var separator = Args.Text(a[1], "sep");
        if (separator.Text.Length == 0) throw new TemplateRenderException("empty separator");
        var at = fromEnd
            ? TextSearch.LastIndexOf(text.Text, separator.Text, 0, text.Text.Length, context.Budget)
            : TextSearch.IndexOf(text.Text, separator.Text, 0, text.Text.Length, context.Budget);
        context.Budget.Text(text.Text.Length);
        if (at < 0) return fromEnd ? ListValue.Tuple(StringValue.Empty, StringValue.Empty, text) : ListValue.Tuple(text, StringValue.Empty, StringValue.Empty);
        var after = at + separator.Text.Length;
        return ListValue.Tuple(text.Units(0, at), text.Units(at, separator.Text.Length), text.Units(after, text.Text.Length - after));
    }

    private static void Window(StringValue text, Value? startValue, Value? endValue, out int start, out int end)
    {
        start = Args.IntOrNone(startValue, 0);
        end = Math.Min(Args.IntOrNone(endValue, text.Length), text.Length);
        if (end < 0) end = Math.Max(0, end + text.Length);
        if (start < 0) start = Math.Max(0, start + text.Length);
    }

    private static int Find(RenderContext context, Value?[] a, bool fromEnd)
    {
        var text = Self(a);
        var part = Args.Text(a[1], "argument").Text;
        Window(text, a[2], a[3], out var start, out var end);
        if (start > end) return -1;
        var (from, to) = (text.UnitAt(start), text.UnitAt(end));
        var found = fromEnd ? TextSearch.LastIndexOf(text.Text, part, from, to, context.Budget) : TextSearch.IndexOf(text.Text, part, from, to, context.Budget);
        return found < 0 ? -1 : text.PointAt(found);
    }

    private static IntValue Found(int at) => at >= 0 ? IntValue.Of(at) : throw new TemplateRenderException("substring not found");

    private static IntValue Count(RenderContext context, Value?[] a)
    {
        var text = Self(a);
        var part = Args.Text(a[1], "argument").Text;
        Window(text, a[2], a[3], out var start, out var end);
        if (start > end) return IntValue.Of(0);
        if (part.Length == 0) return IntValue.Of(end - start + 1);
        var count = 0;
        var to = text.UnitAt(end);
        for (var at = text.UnitAt(start); (at = TextSearch.IndexOf(text.Text, part, at, to, context.Budget)) >= 0; at += part.Length) count++;
        return IntValue.Of(count);
    }

    private delegate bool Affix(ReadOnlySpan<char> text, ReadOnlySpan<char> part);

    private static BoolValue HasAffix(Value?[] a, string name, Affix test)
    {
        var text = Self(a);
        Window(text, a[2], a[3], out var start, out var end);
        var candidates = a[1] is ListValue { IsTuple: true } tuple ? tuple.Items : [a[1]!];
        foreach (var candidate in candidates)
        {
            if (candidate is UndefinedValue undefined) throw undefined.Error();
            if (candidate is not StringValue part) throw new TemplateRenderException($"{name} first arg must be str or a tuple of str, not {candidate.TypeName}");
            if (start <= end && test(text.Text.AsSpan(text.UnitAt(start), text.UnitAt(end) - text.UnitAt(start)), part.Text)) return BoolValue.True;
        }

        return BoolValue.False;
    }

    private static StringValue ZeroFill(StringValue text, int width, Budget budget)
    {
        var zeros = width - text.Length;
        if (zeros <= 0) return text;
        var sign = text.Text.Length > 0 && text.Text[0] is '+' or '-' ? 1 : 0;
        return new TextBuilder(budget).Append(text, 0, sign).Repeat(StringValue.Template("0"), zeros).Append(text, sign, text.Text.Length - sign).ToValue(text.IsMarkup);
    }

    private static StringValue ExpandTabs(StringValue text, int size, Budget budget)
    {
        var builder = new TextBuilder(budget);
        var column = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var unit = text.UnitAt(i);
            if (text.Text[unit] == '\t')
            {
                var blanks = size > 0 ? size - (column % size) : 0;
                builder.Repeat(StringValue.Of(" ", text.OriginAt(unit)), blanks);
                column += blanks;
                continue;
            }

            column = text.Text[unit] is '\n' or '\r' ? 0 : column + 1;
            builder.Append(text, unit, text.UnitAt(i + 1) - unit);
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static StringValue Translate(RenderContext context, Value?[] a)
    {
        if (a[1] is not DictValue table) throw new TemplateRenderException($"'{a[1]!.TypeName}' object is not a translation table");
        var text = Self(a);
        var builder = new TextBuilder(context.Budget);
        for (var i = 0; i < text.Length; i++)
        {
            context.Budget.Step();
            var unit = text.UnitAt(i);
            if (!table.TryGet(IntValue.Of(PythonText.PointAt(text.Text, unit)), out var to)) builder.Append(text, unit, text.UnitAt(i + 1) - unit);
            else if (to is StringValue s) builder.Append(s);
            else if (Numbers.TryIndex(to, out var point)) builder.AppendPoint(Math.Clamp(point, 0, 0x10FFFF), Numbers.OriginOf(to, text));
            else if (to is not NoneValue) throw new TemplateRenderException("character mapping must return integer, None or str");
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static DictValue MakeTranslation(RenderContext context, Value?[] a)
    {
        var result = new DictValue();
        if (a[2] is null)
        {
            if (a[1] is not DictValue map) throw new TemplateRenderException("if you give only one argument to maketrans it must be a dict");
            foreach (var (key, value) in map.Entries) result.Set(key is StringValue { Length: 1 } k ? IntValue.Of(PythonText.PointAt(k.Text, 0)) : key, value);
            return result;
        }

        var (from, to) = (Args.Text(a[1], "argument 1"), Args.Text(a[2], "argument 2"));
        if (from.Length != to.Length) throw new TemplateRenderException("the first two maketrans arguments must have equal length");
        context.Budget.Items(from.Length);
        for (var i = 0; i < from.Length; i++) result.Set(Point(from, i), IntValue.Of(Point(to, i).Small, to.Origin));
        for (var i = 0; a[3] is StringValue gone && i < gone.Length; i++) result.Set(Point(gone, i), NoneValue.Instance);
        return result;

        static IntValue Point(StringValue text, int at) => IntValue.Of(PythonText.PointAt(text.Text, text.UnitAt(at)));
    }
}
