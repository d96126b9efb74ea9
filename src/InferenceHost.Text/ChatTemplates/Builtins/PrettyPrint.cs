namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's <c>pprint.pformat</c> with its default width of 80: what does not fit on a line gets one line per element; dicts are sorted.</summary>
internal static class PrettyPrint
{
    private const int Width = 80;

    public static StringValue Format(Value value, Budget budget)
    {
        var builder = new TextBuilder(budget);
        Append(builder, Sorted(value, budget), 0, 0);
        return builder.ToValue();
    }

    private static Value Sorted(Value value, Budget budget)
    {
        budget.Enter();
        budget.Step();
        if (value is ListValue list)
        {
            value = new ListValue([.. list.Items.Select(i => Sorted(i, budget))], list.IsTuple, list.Origin);
        }
        else if (value is DictValue dict)
        {
            var sorted = new DictValue(dict.Origin);
            var keys = dict.Entries.Select(e => e.Key).ToArray();
            // Keys of different types have no order; Python then takes the names of the types.
            var ordered = Array.TrueForAll(keys, k => k is StringValue) || Array.TrueForAll(keys, Numbers.IsNumber);
            keys = Sorting.Sort(keys, k => ordered ? k : StringValue.Template(k.TypeName), false, budget);
            foreach (var key in keys)
            {
                dict.TryGet(key, out var element);
                sorted.Set(key, Sorted(element, budget));
            }

            value = sorted;
        }

        budget.Leave();
        return value;
    }

    private static void Append(TextBuilder builder, Value value, int indent, int allowance)
    {
        var repr = ValueText.Repr(value, builder.Budget);
        if (repr.Length <= Width - indent - allowance || value is not (ListValue { Items.Length: > 0 } or DictValue { Count: > 0 }))
        {
            builder.Append(repr);
            return;
        }

        builder.Budget.Enter();
        if (value is DictValue dict) AppendDict(builder, dict, indent, allowance);
        else AppendList(builder, (ListValue)value, indent, allowance);
        builder.Budget.Leave();
    }

    private static void AppendDict(TextBuilder builder, DictValue dict, int indent, int allowance)
    {
        builder.Append('{', dict.Origin);
        for (var i = 0; i < dict.Count; i++)
        {
            if (i > 0) NextLine(builder, indent + 1, dict.Origin);
            var key = ValueText.Repr(dict.Entries[i].Key, builder.Budget);
            builder.Append(key).Append(": ", dict.Origin);
            Append(builder, dict.Entries[i].Value, indent + key.Length + 3, i == dict.Count - 1 ? allowance + 1 : 1);
        }

        builder.Append('}', dict.Origin);
    }

    private static void AppendList(TextBuilder builder, ListValue list, int indent, int allowance)
    {
        builder.Append(list.IsTuple ? '(' : '[', list.Origin);
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) NextLine(builder, indent + 1, list.Origin);
            Append(builder, list.Items[i], indent + 1, i == list.Items.Length - 1 ? allowance + 1 : 1);
        }

        if (list.IsTuple && list.Items.Length == 1) builder.Append(',', list.Origin);
        builder.Append(list.IsTuple ? ')' : ']', list.Origin);
    }

    private static void NextLine(TextBuilder builder, int indent, TextOrigin origin) =>
        builder.Append(",\n", origin).Repeat(StringValue.Of(" ", origin), indent);
}
