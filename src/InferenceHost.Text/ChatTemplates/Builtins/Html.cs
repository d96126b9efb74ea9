using System.Globalization;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>What markupsafe does.</summary>
internal static class Html
{
    /// <summary>Escapes the five HTML characters unless the text is Markup already; the result is Markup.</summary>
    public static StringValue Escape(StringValue text, Budget budget)
    {
        if (text.IsMarkup) return text;
        if (text.Text.AsSpan().IndexOfAny("&<>'\"") < 0) return text.WithMarkup(true);
        var builder = new TextBuilder(budget);
        for (var i = 0; i < text.Text.Length; i++)
        {
            var origin = text.OriginAt(i);
            switch (text.Text[i])
            {
                case '&': builder.Append("&amp;", origin); break;
                case '<': builder.Append("&lt;", origin); break;
                case '>': builder.Append("&gt;", origin); break;
                case '\'': builder.Append("&#39;", origin); break;
                case '"': builder.Append("&#34;", origin); break;
                default: builder.Append(text.Text[i], origin); break;
            }
        }

        return builder.ToValue(markup: true);
    }

    /// <summary>Removes comments and tags, collapses white space and resolves the common entities.</summary>
    public static StringValue StripTags(StringValue text, Budget budget)
    {
        text = Remove(Remove(text, "<!--", "-->", budget), "<", ">", budget);
        var builder = new TextBuilder(budget);
        var words = TextSplit.Whitespace(text, -1, budget);
        for (var i = 0; i < words.Count; i++)
        {
            if (i > 0) builder.Append(' ', text.Origin);
            builder.Append(words[i]);
        }

        return Unescape(builder.ToValue(), budget);
    }

    private static StringValue Remove(StringValue text, string open, string close, Budget budget)
    {
        var builder = new TextBuilder(budget);
        var at = 0;
        while (true)
        {
            var start = text.Text.IndexOf(open, at, StringComparison.Ordinal);
            var end = start < 0 ? -1 : text.Text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0) return builder.Append(text, at, text.Text.Length - at).ToValue();
            builder.Append(text, at, start - at);
            at = end + close.Length;
        }
    }

    private static StringValue Unescape(StringValue text, Budget budget)
    {
        var builder = new TextBuilder(budget);
        for (var i = 0; i < text.Text.Length; i++)
        {
            var end = text.Text[i] == '&' ? text.Text.IndexOf(';', i, Math.Min(12, text.Text.Length - i)) : -1;
            if (end > 0 && Entity(text.Text.AsSpan(i + 1, end - i - 1)) is var point && point > 0)
            {
                builder.AppendPoint(point, text.OriginAt(i));
                i = end;
            }
            else
            {
                builder.Append(text.Text[i], text.OriginAt(i));
            }
        }

        return builder.ToValue();
    }

    private static int Entity(ReadOnlySpan<char> name)
    {
        if (name.Length > 1 && name[0] == '#')
        {
            var hex = name[1] is 'x' or 'X';
            var parsed = int.TryParse(name[(hex ? 2 : 1)..], hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var point);
            return parsed && point is > 0 and < 0x110000 and not (>= 0xD800 and <= 0xDFFF) ? point : 0;
        }

        return name switch { "amp" => '&', "lt" => '<', "gt" => '>', "quot" => '"', "apos" => '\'', "nbsp" => 0xA0, "copy" => 0xA9, "hellip" => 0x2026, _ => 0 };
    }
}
