using System.Globalization;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's <c>str()</c> and <c>repr()</c>. Punctuation of a container has the container's origin, so a list of messages prints as message text.</summary>
internal static class ValueText
{
    /// <summary><c>str(value)</c> as a value; a Markup loses its mark.</summary>
    public static StringValue Str(Value value, Budget budget)
    {
        switch (value)
        {
            case StringValue s:
                return s.WithMarkup(false);
            case UndefinedValue:
                return StringValue.Empty;
            case IntValue i:
                return new StringValue(NumberText.Int(i), i.Origin);
            default:
                var builder = new TextBuilder(budget);
                AppendStr(builder, value);
                return builder.ToValue();
        }
    }

    /// <summary><c>str(value)</c> that keeps Markup (markupsafe's soft_str).</summary>
    public static StringValue SoftStr(Value value, Budget budget) => value as StringValue ?? Str(value, budget);

    public static StringValue Repr(Value value, Budget budget)
    {
        var builder = new TextBuilder(budget);
        AppendRepr(builder, value, TextOrigin.Template);
        return builder.ToValue();
    }

    public static void AppendStr(TextBuilder builder, Value value)
    {
        switch (value)
        {
            case StringValue s:
                builder.Append(s);
                break;
            case UndefinedValue:
                break;
            default:
                AppendRepr(builder, value, value.Origin);
                break;
        }
    }

    /// <param name="builder">Receives the text.</param>
    /// <param name="value">The value.</param>
    /// <param name="origin">Origin of the surrounding container, for values without one.</param>
    public static void AppendRepr(TextBuilder builder, Value value, TextOrigin origin)
    {
        builder.Budget.Steps(2);
        var own = value.Origin == TextOrigin.Message ? TextOrigin.Message : origin;
        switch (value)
        {
            case StringValue s:
                if (s.IsMarkup) builder.Append("Markup(", own);
                AppendQuoted(builder, s);
                if (s.IsMarkup) builder.Append(')', own);
                break;
            case NoneValue:
                builder.Append("None", own);
                break;
            case BoolValue b:
                builder.Append(b.Value ? "True" : "False", own);
                break;
            case IntValue i:
                builder.Append(NumberText.Int(i), own);
                break;
            case FloatValue f:
                builder.Append(NumberText.Repr(f.Value), own);
                break;
            case ListValue list:
                AppendItems(builder, list.IsTuple ? '(' : '[', list.Items, list.IsTuple ? ')' : ']', list.Origin);
                break;
            case DictValue dict:
                AppendDict(builder, dict);
                break;
            case DictViewValue view:
                builder.Append(view.TypeName, own).Append('(', own);
                AppendItems(builder, '[', [.. Enumerable.Range(0, view.Dict.Count).Select(view.At)], ']', view.Origin);
                builder.Append(')', own);
                break;
            case UndefinedValue:
                builder.Append("Undefined", own);
                break;
            case RangeValue r:
                builder.Append(string.Create(CultureInfo.InvariantCulture, $"range({r.Start}, {r.Stop}{(r.Step == 1 ? "" : ", " + r.Step.ToString(CultureInfo.InvariantCulture))})"), own);
                break;
            case NamespaceValue ns:
                builder.Append("<Namespace ", own);
                AppendDict(builder, ns.Attributes);
                builder.Append('>', own);
                break;
            case BytesValue bytes:
                AppendBytes(builder, bytes);
                break;
            case LoopValue loop:
                builder.Append(string.Create(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.Length}>"), own);
                break;
            case MacroValue macro:
                builder.Append(macro.Name is null ? "<Macro anonymous>" : $"<Macro '{macro.Name}'>", own);
                break;
            case TemplateReferenceValue:
                builder.Append("<TemplateReference None>", own);
                break;
            default:
                builder.Append($"<{value.TypeName} object>", own);
                break;
        }
    }

    private static void AppendItems(TextBuilder builder, char open, Value[] items, char close, TextOrigin origin)
    {
        builder.Budget.Enter();
        builder.Append(open, origin);
        for (var i = 0; i < items.Length; i++)
        {
            if (i > 0) builder.Append(", ", origin);
            AppendRepr(builder, items[i], origin);
        }

        if (open == '(' && items.Length == 1) builder.Append(',', origin);
        builder.Append(close, origin);
        builder.Budget.Leave();
    }

    private static void AppendDict(TextBuilder builder, DictValue dict)
    {
        builder.Budget.Enter();
        builder.Append('{', dict.Origin);
        for (var i = 0; i < dict.Count; i++)
        {
            if (i > 0) builder.Append(", ", dict.Origin);
            AppendRepr(builder, dict.Entries[i].Key, dict.Origin);
            builder.Append(": ", dict.Origin);
            AppendRepr(builder, dict.Entries[i].Value, dict.Origin);
        }

        builder.Append('}', dict.Origin);
        builder.Budget.Leave();
    }

    /// <summary>Python's quoted form: single quotes unless only those occur inside, escapes for what cannot be printed.</summary>
    public static void AppendQuoted(TextBuilder builder, StringValue s, bool ascii = false)
    {
        var text = s.Text;
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        builder.Append(quote, s.Origin);
        for (var i = 0; i < text.Length; i++)
        {
            var origin = s.OriginAt(i);
            var c = text[i];
            if (c == quote || c == '\\') builder.Append('\\', origin).Append(c, origin);
            else if (c is >= ' ' and < '\x7F') builder.Append(c, origin);
            else if (c == '\n') builder.Append("\\n", origin);
            else if (c == '\r') builder.Append("\\r", origin);
            else if (c == '\t') builder.Append("\\t", origin);
            else
            {
                var point = PythonText.PointAt(text, i);
                if (point > 0xFFFF) i++;
                if (!ascii && PythonText.IsPrintable(point)) builder.AppendPoint(point, origin);
                else if (point < 0x100) builder.Append($"\\x{point:x2}", origin);
                else if (point < 0x10000) builder.Append($"\\u{point:x4}", origin);
                else builder.Append($"\\U{point:x8}", origin);
            }
        }

        builder.Append(quote, s.Origin);
    }

    private static void AppendBytes(TextBuilder builder, BytesValue value)
    {
        var quote = value.Bytes.Contains((byte)'\'') && !value.Bytes.Contains((byte)'"') ? '"' : '\'';
        builder.Append('b', value.Origin).Append(quote, value.Origin);
        foreach (var b in value.Bytes)
        {
            var text = b switch
            {
                (byte)'\n' => "\\n",
                (byte)'\r' => "\\r",
                (byte)'\t' => "\\t",
                (byte)'\\' => "\\\\",
                _ when b == quote => "\\" + quote,
                >= 0x20 and < 0x7F => ((char)b).ToString(),
                _ => $"\\x{b:x2}",
            };
            builder.Append(text, value.Origin);
        }

        builder.Append(quote, value.Origin);
    }
}
