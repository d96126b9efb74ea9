namespace InferenceHost.Text.ChatTemplates;

/// <summary><c>json.dumps</c> as transformers calls it for <c>tojson</c>. Every character keeps its origin; punctuation has its container's.</summary>
internal sealed class JsonText(TextBuilder builder, bool ascii, StringValue? indent, StringValue itemSeparator, StringValue keySeparator, bool sortKeys)
{
    public static StringValue Write(Value value, Value? ensureAscii, Value? indent, Value? separators, Value? sortKeys, Budget budget)
    {
        var indentText = indent switch
        {
            null or NoneValue => null,
            StringValue s => s,
            _ when Numbers.TryIndex(indent, out var width) => Spaces(width, budget),
            _ => throw new TemplateRenderException($"tojson: indent must be an int or str, not {indent.TypeName}"),
        };
        var item = StringValue.Template(indentText is null ? ", " : ",");
        var key = StringValue.Template(": ");
        if (separators is ListValue { Items: [StringValue first, StringValue second] }) (item, key) = (first, second);
        else if (!Args.IsMissing(separators)) throw new TemplateRenderException("tojson: separators must be a pair of strings");
        var builder = new TextBuilder(budget);
        new JsonText(builder, Args.Flag(ensureAscii), indentText, item, key, Args.Flag(sortKeys)).Append(value, 0, value.Origin);
        return builder.ToValue();
    }

    private static StringValue Spaces(int width, Budget budget)
    {
        budget.Text(Math.Max(width, 0));
        return StringValue.Template(new string(' ', Math.Max(width, 0)));
    }

    private void Append(Value value, int depth, TextOrigin origin)
    {
        builder.Budget.Steps(2);
        var own = value.Origin == TextOrigin.Message ? TextOrigin.Message : origin;
        switch (value)
        {
            case StringValue s: AppendString(s); break;
            case NoneValue: builder.Append("null", own); break;
            case BoolValue b: builder.Append(b.Value ? "true" : "false", own); break;
            case IntValue i: builder.Append(NumberText.Int(i), own); break;
            case FloatValue f: builder.Append(FloatText(f.Value), own); break;
            case ListValue list: AppendList(list, depth); break;
            case DictValue dict: AppendDict(dict, depth); break;
            default: throw new TemplateRenderException($"Object of type {value.TypeName} is not JSON serializable");
        }
    }

    private static string FloatText(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? value > 0 ? "Infinity" : "-Infinity" : NumberText.Repr(value);

    private void AppendList(ListValue list, int depth)
    {
        if (list.Items.Length == 0)
        {
            builder.Append("[]", list.Origin);
            return;
        }

        builder.Budget.Enter();
        builder.Append('[', list.Origin);
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (i > 0) Separate(itemSeparator, list.Origin);
            NewLine(depth + 1, list.Origin);
            Append(list.Items[i], depth + 1, list.Origin);
        }

        NewLine(depth, list.Origin);
        builder.Append(']', list.Origin);
        builder.Budget.Leave();
    }

    private void AppendDict(DictValue dict, int depth)
    {
        if (dict.Count == 0)
        {
            builder.Append("{}", dict.Origin);
            return;
        }

        builder.Budget.Enter();
        builder.Append('{', dict.Origin);
        var first = true;
        foreach (var entry in sortKeys ? Sorted(dict) : dict.Entries)
        {
            if (!first) Separate(itemSeparator, dict.Origin);
            first = false;
            NewLine(depth + 1, dict.Origin);
            AppendKey(entry.Key, dict.Origin);
            Separate(keySeparator, dict.Origin);
            Append(entry.Value, depth + 1, dict.Origin);
        }

        NewLine(depth, dict.Origin);
        builder.Append('}', dict.Origin);
        builder.Budget.Leave();
    }

    private List<KeyValuePair<Value, Value>> Sorted(DictValue dict)
    {
        var entries = Sorting.Sort([.. dict.Entries.Select(e => (Value)ListValue.Tuple(e.Key, e.Value))], v => ((ListValue)v).Items[0], false, builder.Budget);
        return [.. entries.Select(e => new KeyValuePair<Value, Value>(((ListValue)e).Items[0], ((ListValue)e).Items[1]))];
    }

    private void AppendKey(Value key, TextOrigin origin)
    {
        var text = key switch
        {
            StringValue s => s,
            BoolValue b => StringValue.Of(b.Value ? "true" : "false", b.Origin),
            NoneValue => StringValue.Of("null", origin),
            IntValue i => StringValue.Of(NumberText.Int(i), i.Origin),
            FloatValue f => StringValue.Of(FloatText(f.Value), f.Origin),
            _ => throw new TemplateRenderException($"keys must be str, int, float, bool or None, not {key.TypeName}"),
        };
        AppendString(text);
    }

    private void Separate(StringValue separator, TextOrigin container)
    {
        if (container == TextOrigin.Message) builder.Append(separator.Text, TextOrigin.Message);
        else builder.Append(separator);
    }

    private void NewLine(int depth, TextOrigin container)
    {
        if (indent is null) return;
        builder.Append('\n', container);
        builder.Budget.Steps(depth);
        for (var i = 0; i < depth; i++) Separate(indent, container);
    }

    private void AppendString(StringValue s)
    {
        var text = s.Text;
        builder.Append('"', s.Origin);
        var plain = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is not ('"' or '\\' or < ' ') && (!ascii || c <= '~')) continue;
            builder.Append(s, plain, i - plain);
            plain = i + 1;
            var escape = c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\f' => "\\f",
                '\b' => "\\b",
                _ => $"\\u{(int)c:x4}",
            };
            builder.Append(escape, s.OriginAt(i));
        }

        builder.Append(s, plain, text.Length - plain);
        builder.Append('"', s.Origin);
    }
}
