namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's iteration, <c>len()</c> and subscripts.</summary>
internal static class Sequences
{
    public static bool IsIterable(Value value) =>
        value is StringValue or ListValue or DictValue or DictViewValue or RangeValue or IteratorValue or UndefinedValue or LoopValue or BytesValue;

    /// <summary>The elements of a value, lazily.</summary>
    /// <exception cref="TemplateRenderException">The value is not iterable.</exception>
    public static IEnumerable<Value> Iterate(Value value, RenderContext context)
    {
        switch (value)
        {
            case ListValue list: return list.Items;
            case UndefinedValue: return [];
            case DictValue dict: return dict.Entries.Select(e => e.Key);
            case DictViewValue view: return Enumerable.Range(0, view.Dict.Count).Select(view.At);
            case RangeValue range: return Enumerable.Range(0, range.Count).Select(i => (Value)IntValue.Of(range.At(i)));
            case StringValue text: return Characters(text, context);
            case IteratorValue iterator: return iterator.Rest();
            case LoopValue loop: return loop.Rest();
            case BytesValue bytes: return bytes.Bytes.Select(b => (Value)IntValue.Of(b, bytes.Origin));
            default: throw NotIterable(value);
        }
    }

    public static TemplateRenderException NotIterable(Value value) => new($"'{value.TypeName}' object is not iterable");

    /// <summary>All elements at once, charged.</summary>
    public static Value[] ToArray(Value value, RenderContext context)
    {
        if (value is ListValue list) return list.Items;
        var items = new List<Value>();
        foreach (var item in Iterate(value, context))
        {
            context.Budget.Items(1);
            items.Add(item);
        }

        return [.. items];
    }

    /// <summary><c>reversed()</c>: sequences, dicts and their views.</summary>
    public static IEnumerable<Value>? Reversed(Value value, RenderContext context) => value switch
    {
        ListValue list => Enumerable.Range(0, list.Items.Length).Select(i => list.Items[^(i + 1)]),
        StringValue text => Enumerable.Range(0, text.Length).Select(i => (Value)text.WithMarkup(false).CharAt(text.Length - 1 - i)),
        RangeValue range => Enumerable.Range(0, range.Count).Select(i => (Value)IntValue.Of(range.At(range.Count - 1 - i))),
        DictValue dict => Enumerable.Range(0, dict.Count).Select(i => dict.Entries[dict.Count - 1 - i].Key),
        DictViewValue view => Enumerable.Range(0, view.Dict.Count).Select(i => view.At(view.Dict.Count - 1 - i)),
        BytesValue bytes => bytes.Bytes.Reverse().Select(b => (Value)IntValue.Of(b, bytes.Origin)),
        _ => null,
    };

    public static bool TryLength(Value value, out int length)
    {
        switch (value)
        {
            case StringValue s: length = s.Length; return true;
            case ListValue l: length = l.Items.Length; return true;
            case DictValue d: length = d.Count; return true;
            case DictViewValue v: length = v.Dict.Count; return true;
            case RangeValue r: length = r.Count; return true;
            case UndefinedValue: length = 0; return true;
            case LoopValue loop: length = loop.Length; return true;
            case BytesValue b: length = b.Bytes.Length; return true;
            default: length = 0; return false;
        }
    }

    /// <summary><c>value[key]</c>: the element, else an attribute of that name, else undefined.</summary>
    public static Value GetItem(Value value, Value key, RenderContext context)
    {
        if (TryElement(value, key, out var element)) return element;
        if (key is StringValue name && Attributes.Find(value, name.Text, context) is { } attribute) return attribute;
        return UndefinedValue.Element(value, key);
    }

    /// <summary><c>value.name</c>: the attribute, else an element of that name, else undefined.</summary>
    public static Value GetAttribute(Value value, string name, StringValue key, RenderContext context)
    {
        if (Attributes.Find(value, name, context) is { } attribute) return attribute;
        return TryElement(value, key, out var element) ? element : UndefinedValue.Attribute(value, name);
    }

    private static bool TryElement(Value value, Value key, out Value element)
    {
        switch (value)
        {
            case DictValue dict:
                element = value;
                return ValueComparer.IsHashable(key) && dict.TryGet(key, out element);
            case ListValue list when TryPlace(key, list.Items.Length, out var at):
                element = list.Items[at];
                return true;
            case StringValue text when Numbers.TryInt(key, out _) && TryPlace(key, text.Length, out var at):
                element = text.CharAt(at);
                return true;
            case RangeValue range when TryPlace(key, range.Count, out var at):
                element = IntValue.Of(range.At(at));
                return true;
            case BytesValue bytes when TryPlace(key, bytes.Bytes.Length, out var at):
                element = IntValue.Of(bytes.Bytes[at], bytes.Origin);
                return true;
            case TemplateReferenceValue self when key is StringValue name && self.Find(name.Text) is { } block:
                element = block;
                return true;
            case UndefinedValue undefined:
                throw undefined.Error();
            default:
                element = value;
                return false;
        }
    }

    private static bool TryPlace(Value key, int length, out int at)
    {
        if (!Numbers.TryIndex(key, out at)) return false;
        if (at < 0) at += length;
        return at >= 0 && at < length;
    }

    private static IEnumerable<Value> Characters(StringValue text, RenderContext context)
    {
        // Iterating over a Markup yields plain text.
        text = text.WithMarkup(false);
        for (var i = 0; i < text.Length; i++)
        {
            context.Budget.Step();
            yield return text.CharAt(i);
        }
    }
}
