using System.Text;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Filters from text to text.</summary>
internal static class TextFilters
{
    public static readonly Table Table = new Table()
        .Add("upper", "s", (c, a) => TextCase.Upper(Soft(a, c), c.Budget))
        .Add("lower", "s", (c, a) => TextCase.Lower(Soft(a, c), c.Budget))
        .Add("capitalize", "s", (c, a) => TextCase.Capitalize(Soft(a, c), c.Budget))
        .Add("title", "s", (c, a) => Title(Soft(a, c), c.Budget))
        .Add("trim", "value chars=", (c, a) => TextSplit.Strip(Soft(a, c), a[1], true, true, c.Budget))
        .Add("replace", "s old new count=", (c, a) => StringMethods.Replace(Str(a[0], c), Str(a[1], c), Str(a[2], c), Args.IntOrNone(a[3], -1), c.Budget))
        .Add("string", "/object", (c, a) => Soft(a, c))
        .Add("format", (c, a) => a.Positional.Length > 1 && a.Named.Length > 0
            ? throw new TemplateRenderException("can't handle positional and keyword arguments at the same time")
            : PercentFormat.Format(ValueText.SoftStr(a.Positional[0], c.Budget), FormatValues(a), c))
        .Add("join", "value d= attribute=", Join)
        .Add("escape", "/s", (c, a) => Html.Escape(Soft(a, c), c.Budget))
        .Alias("e", "escape")
        .Add("forceescape", "value", (c, a) => Html.Escape(Soft(a, c).WithMarkup(false), c.Budget))
        .Add("safe", "value", (c, a) => Soft(a, c).WithMarkup(true))
        .Add("striptags", "value", (c, a) => Html.StripTags(Str(a[0], c), c.Budget))
        .Add("urlencode", "value", UrlEncode)
        .Add("xmlattr", "d autospace=", XmlAttributes)
        .Add("wordcount", "s", (c, a) => IntValue.Of(CountWords(Soft(a, c).Text)))
        .Add("tojson", "x ensure_ascii= indent= separators= sort_keys=", (c, a) => JsonText.Write(a[0]!, a[1], a[2], a[3], a[4], c.Budget))
        .Add("pprint", "value", (c, a) => PrettyPrint.Format(a[0]!, c.Budget));

    private static StringValue Soft(Value?[] a, RenderContext context) => ValueText.SoftStr(a[0]!, context.Budget);

    private static StringValue Str(Value? value, RenderContext context) => ValueText.Str(value!, context.Budget);

    private static Value FormatValues(CallArguments arguments)
    {
        if (arguments.Named.Length == 0) return new ListValue(arguments.Positional[1..], isTuple: true);
        var dict = new DictValue();
        foreach (var (name, value) in arguments.Named) dict.Set(StringValue.Template(name), value);
        return dict;
    }

    private static StringValue Join(RenderContext context, Value?[] a)
    {
        var separator = a[1] is null ? StringValue.Empty : ValueText.Str(a[1]!, context.Budget);
        var getter = Filters.Getter(a[2], context);
        var builder = new TextBuilder(context.Budget);
        var first = true;
        foreach (var item in Sequences.Iterate(a[0]!, context))
        {
            context.Budget.Step();
            if (!first) builder.Append(separator);
            first = false;
            ValueText.AppendStr(builder, getter(item));
        }

        return builder.ToValue();
    }

    /// <summary>Words begin after white space and opening brackets; unlike <c>str.title</c>, a word's first character is put in upper case.</summary>
    private static StringValue Title(StringValue text, Budget budget)
    {
        var builder = new TextBuilder(budget);
        var start = 0;
        for (var i = 0; i <= text.Text.Length; i++)
        {
            if (i < text.Text.Length && !IsBreak(text.Text[i])) continue;
            AppendWord(start, i);
            if (i < text.Text.Length) builder.Append(text, i, 1);
            start = i + 1;
        }

        return builder.ToValue(text.IsMarkup);

        void AppendWord(int from, int to)
        {
            if (from >= to) return;
            var first = char.IsHighSurrogate(text.Text[from]) && from + 1 < to ? 2 : 1;
            builder.Append(TextCase.Upper(text.Units(from, first), budget)).Append(TextCase.Lower(text.Units(from + first, to - from - first), budget));
        }
    }

    private static bool IsBreak(char c) => c is '-' or '(' or '{' or '[' or '<' || PythonText.IsSpace(c);

    private static int CountWords(string text)
    {
        var (count, inWord) = (0, false);
        foreach (var point in TextCase.Points(text))
        {
            var isWord = PythonText.IsWord(point);
            if (isWord && !inWord) count++;
            inWord = isWord;
        }

        return count;
    }

    private static StringValue UrlEncode(RenderContext context, Value?[] a)
    {
        if (a[0] is StringValue || !Sequences.IsIterable(a[0]!)) return Quote(Str(a[0], context), "/", context.Budget);
        var pairs = a[0] is DictValue dict ? new DictViewValue(dict, DictViewKind.Items) : a[0]!;
        var builder = new TextBuilder(context.Budget);
        foreach (var item in Sequences.Iterate(pairs, context))
        {
            var pair = Sequences.ToArray(item, context);
            if (pair.Length != 2) throw new TemplateRenderException("urlencode needs pairs of key and value");
            if (builder.Length > 0) builder.Append('&', TextOrigin.Template);
            builder.Append(Quote(Str(pair[0], context), "", context.Budget)).Append('=', TextOrigin.Template).Append(Quote(Str(pair[1], context), "", context.Budget));
        }

        return builder.ToValue();
    }

    private static StringValue Quote(StringValue text, string safe, Budget budget)
    {
        var builder = new TextBuilder(budget);
        Span<byte> bytes = stackalloc byte[4];
        for (var i = 0; i < text.Text.Length; i++)
        {
            var origin = text.OriginAt(i);
            var point = PythonText.PointAt(text.Text, i);
            if (point > 0xFFFF) i++;
            if (point < 0x80 && (char.IsAsciiLetterOrDigit((char)point) || point is '_' or '.' or '-' or '~' || safe.Contains((char)point, StringComparison.Ordinal)))
            {
                builder.Append((char)point, origin);
                continue;
            }

            // In a query, a blank is written as a plus.
            if (point == ' ' && safe.Length == 0)
            {
                builder.Append('+', origin);
                continue;
            }

            if (!Rune.TryCreate(point, out var rune)) throw new TemplateRenderException("surrogates cannot be URL-encoded");
            var length = rune.EncodeToUtf8(bytes);
            foreach (var b in bytes[..length]) builder.Append($"%{b:X2}", origin);
        }

        return builder.ToValue();
    }

    private static StringValue XmlAttributes(RenderContext context, Value?[] a)
    {
        if (a[0] is not DictValue dict) throw a[0] is UndefinedValue u ? u.Error() : new TemplateRenderException("xmlattr needs a dict");
        var builder = new TextBuilder(context.Budget);
        foreach (var (key, value) in dict.Entries)
        {
            if (value is NoneValue or UndefinedValue) continue;
            var name = Args.Text(key, "attribute name");
            if (name.Text.AsSpan().IndexOfAny("/>= \t\n\r\f\v") >= 0) throw new TemplateRenderException($"Invalid character in attribute name: '{name.Text}'");
            if (builder.Length > 0 || Args.Flag(a[1], true)) builder.Append(' ', TextOrigin.Template);
            builder.Append(Html.Escape(name, context.Budget)).Append("=\"").Append(Html.Escape(ValueText.SoftStr(value, context.Budget), context.Budget)).Append('"', TextOrigin.Template);
        }

        return builder.ToValue(context.AutoEscape);
    }
}
