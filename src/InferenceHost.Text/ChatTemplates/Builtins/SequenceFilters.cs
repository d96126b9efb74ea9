namespace InferenceHost.Text.ChatTemplates;

/// <summary>Filters on sequences and dicts as a whole.</summary>
internal static class SequenceFilters
{
    public static readonly Table Table = new Table()
        .Add("length", "/obj", (_, a) => Sequences.TryLength(a[0]!, out var length) ? IntValue.Of(length) : throw new TemplateRenderException($"object of type '{a[0]!.TypeName}' has no len()"))
        .Alias("count", "length")
        .Add("list", "value", (c, a) => new ListValue(Sequences.ToArray(a[0]!, c), origin: a[0] is DictValue or ListValue or DictViewValue or StringValue ? a[0]!.Origin : TextOrigin.Template))
        .Add("first", "seq", (c, a) => First(Sequences.Iterate(a[0]!, c), "No first item, sequence was empty."))
        .Add("last", "seq", (c, a) => a[0] is UndefinedValue ? UndefinedValue.Because("No last item, sequence was empty.")
            : First(Sequences.Reversed(a[0]!, c) ?? throw new TemplateRenderException($"'{a[0]!.TypeName}' object is not reversible"), "No last item, sequence was empty."))
        .Add("random", "seq", Random)
        .Add("reverse", "value", Reverse)
        .Add("items", "value", (c, a) => new IteratorValue("generator", Items(a[0]!, c)))
        .Add("default", "value default_value= boolean=", (_, a) => a[0] is UndefinedValue || (Args.Flag(a[2]) && !a[0]!.Truthy) ? a[1] ?? StringValue.Empty : a[0]!)
        .Alias("d", "default")
        .Add("attr", "obj name", Attribute)
        .Add("dictsort", "value case_sensitive= by= reverse=", DictSort)
        .Add("sort", "value reverse= case_sensitive= attribute=", Sort)
        .Add("unique", "value case_sensitive= attribute=", (c, a) => new IteratorValue("generator", Unique(a[0]!, Args.Flag(a[1]), a[2], c)))
        .Add("min", "value case_sensitive= attribute=", (c, a) => Extreme(c, a, isMax: false))
        .Add("max", "value case_sensitive= attribute=", (c, a) => Extreme(c, a, isMax: true))
        .Add("sum", "iterable attribute= start=", Sum)
        .Add("batch", "value linecount fill_with=", (c, a) => new IteratorValue("generator", Batch(a[0]!, a[1]!, a[2], c)))
        .Add("slice", "value slices fill_with=", (c, a) => new IteratorValue("generator", Slice(a[0]!, a[1]!, a[2], c)))
        .Add("groupby", "value attribute default= case_sensitive=", GroupBy);

    private static Value First(IEnumerable<Value> items, string message)
    {
        foreach (var item in items) return item;
        return UndefinedValue.Because(message);
    }

    private static Value Random(RenderContext context, Value?[] a)
    {
        if (!Sequences.TryLength(a[0]!, out var length)) throw new TemplateRenderException($"object of type '{a[0]!.TypeName}' has no len()");
        return length == 0 ? UndefinedValue.Because("No random item, sequence was empty.") : Sequences.GetItem(a[0]!, IntValue.Of(System.Random.Shared.Next(length)), context);
    }

    private static Value Reverse(RenderContext context, Value?[] a)
    {
        if (a[0] is StringValue) return Operators.Slice(a[0]!, NoneValue.Instance, NoneValue.Instance, IntValue.Of(-1), context);
        if (a[0] is UndefinedValue) return new IteratorValue("reversed", []);
        if (Sequences.Reversed(a[0]!, context) is { } reversed) return new IteratorValue("list_reverseiterator", reversed);
        if (!Sequences.IsIterable(a[0]!)) throw new TemplateRenderException("argument must be iterable");
        return new ListValue([.. Sequences.ToArray(a[0]!, context).Reverse()]);
    }

    private static IEnumerable<Value> Items(Value value, RenderContext context)
    {
        if (value is UndefinedValue) yield break;
        if (value is not DictValue dict) throw new TemplateRenderException("Can only get item pairs from a mapping.");
        foreach (var item in Sequences.Iterate(new DictViewValue(dict, DictViewKind.Items), context)) yield return item;
    }

    private static Value Attribute(RenderContext context, Value?[] a)
    {
        var name = Args.Text(a[1], "attribute name");
        return Attributes.Find(a[0]!, name.Text, context) ?? UndefinedValue.Attribute(a[0]!, name.Text);
    }

    private static ListValue DictSort(RenderContext context, Value?[] a)
    {
        var by = a[2] is null ? "key" : (a[2] as StringValue)?.Text;
        if (by is not ("key" or "value")) throw new TemplateRenderException("You can only sort by either \"key\" or \"value\"");
        if (a[0] is not DictValue dict) throw a[0] is UndefinedValue u ? u.Error() : new TemplateRenderException($"'{a[0]!.TypeName}' object has no attribute 'items'");
        var place = by == "key" ? 0 : 1;
        var items = Sequences.ToArray(new DictViewValue(dict, DictViewKind.Items), context);
        return new ListValue(Sorting.Sort(items, i => Filters.IgnoreCase(((ListValue)i).Items[place], Args.Flag(a[1]), context.Budget), Args.Flag(a[3]), context.Budget), origin: dict.Origin);
    }

    private static ListValue Sort(RenderContext context, Value?[] a)
    {
        var caseSensitive = Args.Flag(a[2]);
        var attributes = a[3] is StringValue names ? names.Text.Split(',').Select(n => (Value)StringValue.Template(n)) : [a[3] ?? NoneValue.Instance];
        var getters = attributes.Select(n => Filters.Getter(n, context)).ToArray();
        var items = Sequences.ToArray(a[0]!, context);
        return new ListValue(Sorting.Sort(items, Key, Args.Flag(a[1]), context.Budget), origin: a[0]!.Origin);

        Value Key(Value item) => new ListValue([.. getters.Select(g => Filters.IgnoreCase(g(item), caseSensitive, context.Budget))]);
    }

    private static IEnumerable<Value> Unique(Value value, bool caseSensitive, Value? attribute, RenderContext context)
    {
        var getter = Filters.Getter(attribute, context);
        var seen = new HashSet<Value>(ValueComparer.Instance);
        foreach (var item in Sequences.Iterate(value, context))
        {
            context.Budget.Items(1);
            var key = Filters.IgnoreCase(getter(item), caseSensitive, context.Budget);
            if (!ValueComparer.IsHashable(key)) throw ValueComparer.Unhashable(key);
            if (seen.Add(key)) yield return item;
        }
    }

    private static Value Extreme(RenderContext context, Value?[] a, bool isMax)
    {
        var getter = Filters.Getter(a[2], context);
        Value? best = null;
        Value? bestKey = null;
        foreach (var item in Sequences.Iterate(a[0]!, context))
        {
            context.Budget.Step();
            var key = Filters.IgnoreCase(getter(item), Args.Flag(a[1]), context.Budget);
            if (bestKey is not null && !(isMax
                ? Operators.TryCompare(key, bestKey, ">", context.Budget, out var order) && order > 0
                : Operators.TryCompare(key, bestKey, "<", context.Budget, out order) && order < 0)) continue;
            (best, bestKey) = (item, key);
        }

        return best ?? UndefinedValue.Because("No aggregated item, sequence was empty.");
    }

    private static Value Sum(RenderContext context, Value?[] a)
    {
        var getter = Filters.Getter(a[1], context);
        var sum = a[2] ?? IntValue.Of(0);
        if (sum is StringValue) throw new TemplateRenderException("sum() can't sum strings [use ''.join(seq) instead]");
        foreach (var item in Sequences.Iterate(a[0]!, context))
        {
            context.Budget.Step();
            sum = Operators.Add(sum, getter(item), context);
        }

        return sum;
    }

    private static IEnumerable<Value> Batch(Value value, Value lineCount, Value? fill, RenderContext context)
    {
        var line = new List<Value>();
        foreach (var item in Sequences.Iterate(value, context))
        {
            context.Budget.Items(1);
            if (Operators.AreEqual(IntValue.Of(line.Count), lineCount))
            {
                yield return new ListValue([.. line]);
                line = [];
            }

            line.Add(item);
        }

        if (line.Count == 0) yield break;
        if (!Args.IsMissing(fill))
        {
            var missing = Args.Int(lineCount, 0) - line.Count;
            context.Budget.Items(Math.Max(0, missing));
            for (var i = 0; i < missing; i++) line.Add(fill!);
        }

        yield return new ListValue([.. line]);
    }

    private static IEnumerable<Value> Slice(Value value, Value slices, Value? fill, RenderContext context)
    {
        var items = Sequences.ToArray(value, context);
        var count = Args.Int(slices, 0);
        if (count == 0) throw new TemplateRenderException("integer division or modulo by zero");
        var size = (int)Math.Floor((double)items.Length / count);
        var extra = items.Length - (size * count);
        var offset = 0;
        for (var i = 0; i < count; i++)
        {
            context.Budget.Items(size + 1);
            var start = offset + (i * size);
            if (i < extra) offset++;
            var part = items[start..(offset + ((i + 1) * size))];
            yield return new ListValue(!Args.IsMissing(fill) && i >= extra ? [.. part, fill!] : part);
        }
    }

    private static ListValue GroupBy(RenderContext context, Value?[] a)
    {
        var getter = Filters.Getter(a[1], context, a[2]);
        var caseSensitive = Args.Flag(a[3]);
        var sorted = Sorting.Sort(Sequences.ToArray(a[0]!, context), Key, false, context.Budget);
        var groups = new List<Value>();
        for (var i = 0; i < sorted.Length;)
        {
            var key = Key(sorted[i]);
            var end = i + 1;
            while (end < sorted.Length && ValueComparer.Instance.Equals(Key(sorted[end]), key)) end++;
            groups.Add(new GroupValue(caseSensitive ? key : getter(sorted[i]), new ListValue(sorted[i..end])));
            i = end;
        }

        return new ListValue([.. groups]);

        Value Key(Value item) => Filters.IgnoreCase(getter(item), caseSensitive, context.Budget);
    }
}
