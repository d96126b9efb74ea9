namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's binary operators, comparisons and slices on values.</summary>
internal static class Operators
{
    public static Value Add(Value a, Value b, RenderContext context)
    {
        if (a is StringValue x && b is StringValue y) return Concat(x, y, context.Budget);
        if (Numbers.IsNumber(a) && Numbers.IsNumber(b)) return Numbers.Add(a, b);
        if (a is ListValue l && b is ListValue m && l.IsTuple == m.IsTuple)
        {
            context.Budget.Items(l.Items.Length + m.Items.Length);
            return new ListValue([.. l.Items, .. m.Items], l.IsTuple, Numbers.OriginOf(a, b));
        }

        throw Unsupported("+", a, b);
    }

    public static StringValue Concat(StringValue a, StringValue b, Budget budget)
    {
        var markup = a.IsMarkup || b.IsMarkup;
        if (markup)
        {
            a = Html.Escape(a, budget);
            b = Html.Escape(b, budget);
        }

        if (a.Text.Length == 0) return b.WithMarkup(markup);
        if (b.Text.Length == 0) return a.WithMarkup(markup);
        if (a.IsUniform && b.IsUniform && a.FirstOrigin == b.FirstOrigin)
        {
            budget.Text(a.Text.Length + b.Text.Length);
            return new StringValue(a.Text + b.Text, a.FirstOrigin, markup);
        }

        return new TextBuilder(budget).Append(a).Append(b).ToValue(markup);
    }

    public static Value Subtract(Value a, Value b) =>
        Numbers.IsNumber(a) && Numbers.IsNumber(b) ? Numbers.Subtract(a, b) : throw Unsupported("-", a, b);

    public static Value Multiply(Value a, Value b, RenderContext context)
    {
        if (Numbers.IsNumber(a) && Numbers.IsNumber(b)) return Numbers.Multiply(a, b, context.Budget);
        if (a is StringValue or ListValue or BytesValue && Numbers.TryInt(b, out var count)) return Repeat(a, count, context);
        if (b is StringValue or ListValue or BytesValue && Numbers.TryInt(a, out count)) return Repeat(b, count, context);
        throw Unsupported("*", a, b);
    }

    public static Value Divide(Value a, Value b) =>
        Numbers.IsNumber(a) && Numbers.IsNumber(b) ? Numbers.Divide(a, b) : throw Unsupported("/", a, b);

    public static Value FloorDivide(Value a, Value b) =>
        Numbers.IsNumber(a) && Numbers.IsNumber(b) ? Numbers.FloorDivide(a, b) : throw Unsupported("//", a, b);

    public static Value Modulo(Value a, Value b, RenderContext context)
    {
        if (a is StringValue format) return PercentFormat.Format(format, b, context);
        return Numbers.IsNumber(a) && Numbers.IsNumber(b) ? Numbers.Modulo(a, b) : throw Unsupported("%", a, b);
    }

    public static Value Power(Value a, Value b, RenderContext context) =>
        Numbers.IsNumber(a) && Numbers.IsNumber(b) ? Numbers.Power(a, b, context.Budget) : throw Unsupported("**", a, b);

    public static Value Negate(Value a) => a is UndefinedValue u ? throw u.Error() : Numbers.Negate(a);

    public static Value Plus(Value a) => a switch
    {
        UndefinedValue u => throw u.Error(),
        BoolValue b => IntValue.Of(b.Value ? 1 : 0, b.Origin),
        IntValue or FloatValue => a,
        _ => throw new TemplateRenderException($"bad operand type for unary +: '{a.TypeName}'"),
    };

    public static bool AreEqual(Value a, Value b) => ValueComparer.Instance.AreEqual(a, b);

    /// <summary>Order of two values for &lt;, &gt; and sorting.</summary>
    /// <returns>False where they are not ordered (NaN).</returns>
    public static bool TryCompare(Value a, Value b, string sign, Budget budget, out int order)
    {
        if (a is StringValue x && b is StringValue y)
        {
            order = CompareText(x.Text, y.Text);
            return true;
        }

        if (Numbers.IsNumber(a) && Numbers.IsNumber(b)) return Numbers.TryCompare(a, b, out order);
        if (a is ListValue l && b is ListValue m && l.IsTuple == m.IsTuple) return TryCompareItems(l.Items, m.Items, sign, budget, out order);
        if (a is UndefinedValue u) throw u.Error();
        if (b is UndefinedValue v) throw v.Error();
        throw new TemplateRenderException($"'{sign}' not supported between instances of '{a.TypeName}' and '{b.TypeName}'");
    }

    public static bool Less(Value a, Value b, Budget budget) => TryCompare(a, b, "<", budget, out var order) && order < 0;

    /// <summary>Order by code points; UTF-16 order differs where surrogates meet U+E000 and above.</summary>
    public static int CompareText(string a, string b)
    {
        var common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length) return a.Length.CompareTo(b.Length);
        return Rank(a[common]).CompareTo(Rank(b[common]));

        static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
    }

    public static bool Contains(Value container, Value item, RenderContext context)
    {
        switch (container)
        {
            case StringValue text:
                if (item is not StringValue part) throw new TemplateRenderException($"'in <string>' requires string as left operand, not {item.TypeName}");
                return TextSearch.IndexOf(text.Text, part.Text, 0, text.Text.Length, context.Budget) >= 0;
            case DictValue dict:
                return dict.TryGet(item, out _);
            case DictViewValue { Kind: DictViewKind.Keys } view:
                return view.Dict.TryGet(item, out _);
            case RangeValue range when Numbers.TryInt(item, out var i):
                return i.IsSmall && RangeContains(range, i.Small);
            default:
                foreach (var candidate in Sequences.Iterate(container, context))
                {
                    context.Budget.Step();
                    if (ValueComparer.Instance.Equals(candidate, item)) return true;
                }

                return false;
        }
    }

    /// <summary><c>value[start:stop:step]</c>; unlike a subscript, a slice of something else is an error.</summary>
    public static Value Slice(Value value, Value start, Value stop, Value step, RenderContext context)
    {
        var length = value switch
        {
            StringValue s => s.Length,
            ListValue l => l.Items.Length,
            RangeValue r => r.Count,
            BytesValue b => b.Bytes.Length,
            UndefinedValue u => throw u.Error(),
            _ => throw new TemplateRenderException($"'{value.TypeName}' object is not subscriptable by a slice"),
        };
        var by = SliceIndex(step, 1);
        if (by == 0) throw new TemplateRenderException("slice step cannot be zero");
        var from = SliceBound(start, by > 0 ? 0 : length - 1, length, by);
        var to = SliceBound(stop, by > 0 ? length : -1, length, by);
        var count = RangeValue.CountOf(from, to, by);
        switch (value)
        {
            case StringValue s when by == 1:
                context.Budget.Text(count);
                var unit = s.UnitAt(from);
                return s.Units(unit, s.UnitAt(from + count) - unit);
            case StringValue s:
                var builder = new TextBuilder(context.Budget);
                context.Budget.Steps(count / 8);
                for (var i = 0; i < count; i++)
                {
                    var at = s.UnitAt(from + (i * by));
                    builder.Append(s, at, s.UnitAt(from + (i * by) + 1) - at);
                }

                return builder.ToValue(s.IsMarkup);
            case ListValue l:
                context.Budget.Items(count);
                var items = new Value[count];
                for (var i = 0; i < count; i++) items[i] = l.Items[from + (i * by)];
                return new ListValue(items, l.IsTuple, l.Origin);
            case RangeValue r:
                return new RangeValue(r.At(from), r.At(from) + ((to - from) * r.Step), r.Step * by);
            default:
                var bytes = new byte[count];
                for (var i = 0; i < count; i++) bytes[i] = ((BytesValue)value).Bytes[from + (i * by)];
                return new BytesValue(bytes, value.Origin);
        }
    }

    /// <summary>Whether <see cref="Slice"/> would succeed.</summary>
    public static bool CanSlice(Value value, Value start, Value stop, Value step) =>
        value is StringValue or ListValue or RangeValue or BytesValue && IsBound(start) && IsBound(stop) && IsBound(step);

    private static bool IsBound(Value value) => value is NoneValue or IntValue or BoolValue;

    private static int SliceIndex(Value value, int missing)
    {
        if (value is NoneValue) return missing;
        if (value is UndefinedValue u) throw u.Error();
        return Numbers.TryIndex(value, out var index) ? index : throw new TemplateRenderException("slice indices must be integers or None or have an __index__ method");
    }

    private static int SliceBound(Value value, int missing, int length, int step)
    {
        if (value is NoneValue) return missing;
        var index = SliceIndex(value, 0);
        if (index < 0) index += length;
        return step > 0 ? Math.Clamp(index, 0, length) : Math.Clamp(index, -1, length - 1);
    }

    private static bool RangeContains(RangeValue range, long value)
    {
        if (range.Count == 0) return false;
        var first = range.Start;
        var last = range.At(range.Count - 1);
        return value >= Math.Min(first, last) && value <= Math.Max(first, last) && (value - first) % range.Step == 0;
    }

    private static bool TryCompareItems(Value[] a, Value[] b, string sign, Budget budget, out int order)
    {
        budget.Enter();
        var i = 0;
        while (i < a.Length && i < b.Length && ValueComparer.Instance.Equals(a[i], b[i])) i++;
        budget.Steps(i);
        var ordered = true;
        if (i == a.Length || i == b.Length) order = a.Length.CompareTo(b.Length);
        else ordered = TryCompare(a[i], b[i], sign, budget, out order);
        budget.Leave();
        return ordered;
    }

    private static Value Repeat(Value value, IntValue count, RenderContext context)
    {
        Numbers.TryIndex(count, out var times);
        times = Math.Max(times, 0);
        switch (value)
        {
            case StringValue s:
                context.Budget.Text((long)s.Text.Length * times);
                return times == 1 ? s : new TextBuilder(context.Budget).Repeat(s, times).ToValue(s.IsMarkup);
            case ListValue list:
                context.Budget.Items((long)list.Items.Length * times);
                var items = new Value[list.Items.Length * times];
                for (var i = 0; i < items.Length; i++) items[i] = list.Items[i % list.Items.Length];
                return new ListValue(items, list.IsTuple, list.Origin);
            default:
                var bytes = ((BytesValue)value).Bytes;
                context.Budget.Bytes((long)bytes.Length * times);
                return new BytesValue([.. Enumerable.Repeat(bytes, times).SelectMany(b => b)], value.Origin);
        }
    }

    private static TemplateRenderException Unsupported(string sign, Value a, Value b)
    {
        if (a is UndefinedValue u) return u.Error();
        if (b is UndefinedValue v) return v.Error();
        if (sign == "+" && a is StringValue) return new($"can only concatenate str (not \"{b.TypeName}\") to str");
        return new($"unsupported operand type(s) for {sign}: '{a.TypeName}' and '{b.TypeName}'");
    }
}
