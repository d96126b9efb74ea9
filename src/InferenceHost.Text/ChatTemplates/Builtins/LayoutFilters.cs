namespace InferenceHost.Text.ChatTemplates;

/// <summary>Filters that lay text out: indent, centre, cut, wrap.</summary>
internal static class LayoutFilters
{
    public static readonly Table Table = new Table()
        .Add("indent", "s width= first= blank=", Indent)
        .Add("center", "value width=", (c, a) => StringMethods.Center(ValueText.SoftStr(a[0]!, c.Budget), Args.Width(a[1], 80, c.Budget), StringValue.Template(" "), c.Budget))
        .Add("truncate", "s length= killwords= end= leeway=", Truncate)
        .Add("wordwrap", "s width= break_long_words= wrapstring= break_on_hyphens=", WordWrap);

    private static StringValue Indent(RenderContext context, Value?[] a)
    {
        if (a[0] is UndefinedValue u) throw u.Error();
        var text = Args.Text(a[0], "indent");
        var indention = a[1] as StringValue ?? StringValue.Template(new string(' ', Math.Max(0, Args.Width(a[1], 4, context.Budget))));
        var blank = Args.Flag(a[3]);
        // A final line end starts an empty last line: Jinja appends one more before it splits.
        var lines = TextSplit.Lines(new TextBuilder(context.Budget).Append(text).Append('\n', text.Origin).ToValue(), false, context.Budget);
        var builder = new TextBuilder(context.Budget);
        if (Args.Flag(a[2])) builder.Append(indention);
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0) builder.Append('\n', TextOrigin.Template);
            if (i > 0 && (blank || lines[i].Text.Length > 0)) builder.Append(indention);
            builder.Append(lines[i]);
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static Value Truncate(RenderContext context, Value?[] a)
    {
        var end = a[3] is null ? StringValue.Template("...") : Args.Text(a[3], "end");
        var length = Args.Int(a[1], 255);
        var leeway = Args.IntOrNone(a[4], 5);
        if (length < end.Length) throw new TemplateRenderException($"expected length >= {end.Length}, got {length}");
        if (leeway < 0) throw new TemplateRenderException($"expected leeway >= 0, got {leeway}");
        if (!Sequences.TryLength(a[0]!, out var size)) throw new TemplateRenderException($"object of type '{a[0]!.TypeName}' has no len()");
        if (size <= (long)length + leeway) return a[0]!;
        var text = Args.Text(a[0], "truncate");
        var cut = text.Units(0, text.UnitAt(length - end.Length));
        if (!Args.Flag(a[2]) && TextSearch.LastIndexOf(cut.Text, " ", 0, cut.Text.Length, context.Budget) is var blank && blank >= 0) cut = cut.Units(0, blank);
        return Operators.Concat(cut, end, context.Budget);
    }

    private static StringValue WordWrap(RenderContext context, Value?[] a)
    {
        var text = Args.Text(a[0], "wordwrap");
        var width = Args.Int(a[1], 79);
        var separator = Args.IsMissing(a[3]) ? StringValue.Template("\n") : Args.Text(a[3], "wrapstring");
        var builder = new TextBuilder(context.Budget);
        var first = true;
        foreach (var line in TextSplit.Lines(text, false, context.Budget))
        {
            if (!first) builder.Append(separator);
            first = false;
            var wrapped = TextWrap.Wrap(line, width, Args.Flag(a[2], true), Args.Flag(a[4], true), context.Budget);
            for (var i = 0; i < wrapped.Count; i++)
            {
                if (i > 0) builder.Append(separator);
                builder.Append(wrapped[i]);
            }
        }

        return builder.ToValue(text.IsMarkup);
    }
}
