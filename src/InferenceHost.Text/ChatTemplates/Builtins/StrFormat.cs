namespace InferenceHost.Text.ChatTemplates;

/// <summary><c>str.format</c> as the sandbox's formatter runs it.</summary>
internal sealed class StrFormat
{
    private readonly CallArguments _arguments;
    private readonly Value? _mapping;
    private readonly RenderContext _context;
    private int _auto;
    private bool _manual;

    private StrFormat(CallArguments arguments, Value? mapping, RenderContext context)
    {
        _arguments = arguments;
        _mapping = mapping;
        _context = context;
    }

    /// <param name="format">The format.</param>
    /// <param name="arguments">Values of the fields.</param>
    /// <param name="mapping">For <c>format_map</c>, where named fields come from.</param>
    /// <param name="context">The render.</param>
    public static StringValue Format(StringValue format, CallArguments arguments, Value? mapping, RenderContext context) =>
        new StrFormat(arguments, mapping, context).Run(format, 2);

    /// <summary><c>ascii(value)</c>.</summary>
    public static StringValue Ascii(Value value, Budget budget)
    {
        var repr = ValueText.Repr(value, budget);
        if (System.Text.Ascii.IsValid(repr.Text)) return repr;
        var builder = new TextBuilder(budget);
        for (var i = 0; i < repr.Text.Length; i++)
        {
            var origin = repr.OriginAt(i);
            var point = PythonText.PointAt(repr.Text, i);
            if (point > 0xFFFF) i++;
            if (point < 0x80) builder.Append((char)point, origin);
            else builder.Append(point < 0x100 ? $"\\x{point:x2}" : point < 0x10000 ? $"\\u{point:x4}" : $"\\U{point:x8}", origin);
        }

        return builder.ToValue();
    }

    private StringValue Run(StringValue format, int depth)
    {
        if (depth < 0) throw new TemplateRenderException("Max string recursion exceeded");
        var builder = new TextBuilder(_context.Budget);
        var text = format.Text;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('{' or '}'))
            {
                builder.Append(text[i], format.OriginAt(i));
                continue;
            }

            if (i + 1 < text.Length && text[i + 1] == text[i])
            {
                builder.Append(text[i], format.OriginAt(i));
                i++;
                continue;
            }

            if (text[i] == '}') throw new TemplateRenderException("Single '}' encountered in format string");
            var end = FieldEnd(text, i + 1);
            AppendField(builder, format, i + 1, end, depth);
            i = end;
        }

        return builder.ToValue(format.IsMarkup);
    }

    private static int FieldEnd(string text, int at)
    {
        if (at >= text.Length) throw new TemplateRenderException("Single '{' encountered in format string");
        var depth = 1;
        var inBracket = false;
        for (; at < text.Length; at++)
        {
            if (text[at] == '[' && depth == 1) inBracket = true;
            else if (text[at] == ']') inBracket = false;
            if (inBracket) continue;
            if (text[at] == '{') depth++;
            else if (text[at] == '}' && --depth == 0) return at;
        }

        throw new TemplateRenderException("expected '}' before end of string");
    }

    private void AppendField(TextBuilder builder, StringValue format, int start, int end, int depth)
    {
        _context.Budget.Step();
        var text = format.Text;
        var nameEnd = start;
        var inBracket = false;
        while (nameEnd < end && (inBracket || text[nameEnd] is not (':' or '!')))
        {
            if (text[nameEnd] == '{') throw new TemplateRenderException("unexpected '{' in field name");
            inBracket = text[nameEnd] == '[' || (inBracket && text[nameEnd] != ']');
            nameEnd++;
        }

        var conversion = '\0';
        var specStart = nameEnd;
        if (nameEnd < end && text[nameEnd] == '!')
        {
            if (nameEnd + 1 >= end) throw new TemplateRenderException("end of string while looking for conversion specifier");
            conversion = text[nameEnd + 1];
            specStart = nameEnd + 2;
            if (specStart < end && text[specStart] != ':') throw new TemplateRenderException("expected ':' after conversion specifier");
        }

        var value = Resolve(text[start..nameEnd]);
        value = conversion switch
        {
            '\0' => value,
            's' => ValueText.Str(value, _context.Budget),
            'r' => ValueText.Repr(value, _context.Budget),
            'a' => Ascii(value, _context.Budget),
            _ => throw new TemplateRenderException($"Unknown conversion specifier {conversion}"),
        };
        var spec = specStart < end ? Run(format.Units(specStart + 1, end - specStart - 1), depth - 1) : StringValue.Empty;
        if (format.IsMarkup && spec.Text.Length == 0) builder.Append(Html.Escape(ValueText.SoftStr(value, _context.Budget), _context.Budget));
        else FormatSpec.Append(builder, value, spec);
    }

    private Value Resolve(string field)
    {
        var firstEnd = field.AsSpan().IndexOfAny('.', '[');
        var first = firstEnd < 0 ? field : field[..firstEnd];
        if (field.Length == 0)
        {
            if (_manual) throw new TemplateRenderException("cannot switch from manual field specification to automatic field numbering");
            first = (_auto++).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        else if (field.All(char.IsAsciiDigit))
        {
            if (_auto > 0) throw new TemplateRenderException("cannot switch from manual field specification to automatic field numbering");
            _manual = true;
        }

        var value = First(first);
        for (var i = firstEnd < 0 ? field.Length : firstEnd; i < field.Length;)
        {
            if (field[i] == '.')
            {
                var end = field.AsSpan(i + 1).IndexOfAny('.', '[');
                end = end < 0 ? field.Length : i + 1 + end;
                var name = field[(i + 1)..end];
                if (name.Length == 0) throw new TemplateRenderException("Empty attribute in format string");
                value = Sequences.GetAttribute(value, name, StringValue.Template(name), _context);
                i = end;
            }
            else if (field[i] == '[')
            {
                var end = field.IndexOf(']', i);
                if (end < 0) throw new TemplateRenderException("Missing ']' in format string");
                if (end == i + 1) throw new TemplateRenderException("Empty attribute in format string");
                var key = field[(i + 1)..end];
                value = Sequences.GetItem(value, long.TryParse(key, System.Globalization.NumberStyles.None, null, out var number) ? IntValue.Of(number) : StringValue.Template(key), _context);
                i = end + 1;
            }
            else
            {
                throw new TemplateRenderException("Only '.' or '[' may follow ']' in format field specifier");
            }
        }

        return value;
    }

    private Value First(string name)
    {
        if (name.Length > 0 && name.All(char.IsAsciiDigit))
        {
            return int.TryParse(name, System.Globalization.NumberStyles.None, null, out var index) && index < _arguments.Positional.Length
                ? _arguments.Positional[index]
                : throw new TemplateRenderException($"Replacement index {name} out of range for positional args tuple");
        }

        if (_mapping is DictValue dict && dict.TryGet(name, out var mapped)) return mapped;
        if (_mapping is null && _arguments.TryGetNamed(name, out var value)) return value;
        throw new TemplateRenderException($"missing format field '{name}'");
    }
}
