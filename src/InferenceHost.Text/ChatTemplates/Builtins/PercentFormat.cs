using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's <c>text % values</c>.</summary>
internal sealed class PercentFormat
{
    private readonly StringValue _format;
    private readonly RenderContext _context;
    private readonly TextBuilder _builder;
    private readonly Value _argument;
    private readonly Value[]? _tuple;
    private int _next;
    private int _at;

    private PercentFormat(StringValue format, Value argument, RenderContext context)
    {
        _format = format;
        _argument = argument;
        _tuple = argument is ListValue { IsTuple: true } tuple ? tuple.Items : null;
        _context = context;
        _builder = new TextBuilder(context.Budget);
    }

    private record struct Field(bool Left, bool Plus, bool Space, bool Alternate, bool Zero, int Width, int Precision);

    public static StringValue Format(StringValue format, Value argument, RenderContext context) => new PercentFormat(format, argument, context).Run();

    private StringValue Run()
    {
        var text = _format.Text;
        while (_at < text.Length)
        {
            var percent = text.IndexOf('%', _at);
            var end = percent < 0 ? text.Length : percent;
            _builder.Append(_format, _at, end - _at);
            _at = end + 1;
            if (percent >= 0) Convert(percent);
        }

        // Python sees whatever has a subscript as a mapping, which need not be used up.
        var isMapping = _argument is DictValue or ListValue { IsTuple: false } or RangeValue or UndefinedValue or BytesValue;
        if (!isMapping && _next < (_tuple?.Length ?? 1)) throw new TemplateRenderException("not all arguments converted during string formatting");
        return _builder.ToValue(_format.IsMarkup);
    }

    private void Convert(int percent)
    {
        _context.Budget.Step();
        Value? keyed = null;
        if (Peek() == '(') keyed = Lookup();
        var field = ReadField();
        while (Peek() is 'h' or 'l' or 'L') _at++;
        if (_at >= _format.Text.Length) throw new TemplateRenderException("incomplete format");
        var type = _format.Text[_at++];
        if (type == '%')
        {
            _builder.Append('%', _format.OriginAt(percent));
            return;
        }

        var value = keyed ?? Next();
        switch (type)
        {
            case 's': AppendText(ValueText.SoftStr(value, _context.Budget), field, percent); break;
            case 'r': AppendText(ValueText.Repr(value, _context.Budget), field, percent); break;
            case 'a': AppendText(StrFormat.Ascii(value, _context.Budget), field, percent); break;
            case 'c': AppendText(Character(value), field with { Precision = -1 }, percent); break;
            case 'd' or 'i' or 'u': AppendInt(ToInt(value, type), 10, type, field, percent); break;
            case 'x' or 'X' or 'o': AppendInt(ToExactInt(value, type), type == 'o' ? 8 : 16, type, field, percent); break;
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G': AppendFloat(value, type, field, percent); break;
            default: throw new TemplateRenderException($"unsupported format character '{type}' (0x{(int)type:x}) at index {_at - 1}");
        }
    }

    private char Peek() => _at < _format.Text.Length ? _format.Text[_at] : '\0';

    private Value Lookup()
    {
        if (_argument is not DictValue dict) throw new TemplateRenderException("format requires a mapping");
        var start = ++_at;
        for (var depth = 1; depth > 0; _at++)
        {
            if (_at >= _format.Text.Length) throw new TemplateRenderException("incomplete format key");
            if (_format.Text[_at] == '(') depth++;
            else if (_format.Text[_at] == ')') depth--;
        }

        var key = _format.Text[start..(_at - 1)];
        return dict.TryGet(StringValue.Template(key), out var value) ? value : throw new TemplateRenderException($"missing key '{key}'");
    }

    private Field ReadField()
    {
        var field = new Field { Precision = -1 };
        for (; ; _at++)
        {
            if (Peek() == '-') field.Left = true;
            else if (Peek() == '+') field.Plus = true;
            else if (Peek() == ' ') field.Space = true;
            else if (Peek() == '#') field.Alternate = true;
            else if (Peek() == '0') field.Zero = true;
            else break;
        }

        field.Width = ReadNumber();
        if (field.Width < 0)
        {
            field.Left = true;
            field.Width = -field.Width;
        }

        if (Peek() == '.')
        {
            _at++;
            field.Precision = Math.Max(0, ReadNumber());
        }

        _context.Budget.Text(Math.Max(field.Width, field.Precision));
        return field;
    }

    private int ReadNumber()
    {
        if (Peek() == '*')
        {
            _at++;
            return Numbers.TryIndex(Next(), out var star) ? star : throw new TemplateRenderException("* wants int");
        }

        long number = 0;
        for (; char.IsAsciiDigit(Peek()); _at++) number = Math.Min((number * 10) + (Peek() - '0'), int.MaxValue);
        return (int)number;
    }

    private Value Next()
    {
        if (_tuple is not null) return _next < _tuple.Length ? _tuple[_next++] : throw NotEnough();
        return _next++ == 0 ? _argument : throw NotEnough();
    }

    private static TemplateRenderException NotEnough() => new("not enough arguments for format string");

    private static StringValue Character(Value value)
    {
        if (value is StringValue { Length: 1 } s) return s;
        if (Numbers.TryInt(value, out var i))
        {
            if (!i.IsSmall || i.Small is < 0 or > 0x10FFFF) throw new TemplateRenderException("%c arg not in range(0x110000)");
            return StringValue.Of(i.Small < 0x10000 ? ((char)i.Small).ToString() : char.ConvertFromUtf32((int)i.Small), i.Origin);
        }

        throw new TemplateRenderException("%c requires int or char");
    }

    private static IntValue ToInt(Value value, char type) => value switch
    {
        FloatValue f => Numbers.Truncate(f.Value, f.Origin),
        UndefinedValue u => throw u.Error(),
        _ => Numbers.TryInt(value, out var i) ? i : throw new TemplateRenderException($"%{type} format: a real number is required, not {value.TypeName}"),
    };

    private static IntValue ToExactInt(Value value, char type) =>
        Numbers.TryInt(value, out var i) ? i : throw new TemplateRenderException($"%{type} format: an integer is required, not {value.TypeName}");

    private void AppendText(StringValue text, Field field, int percent)
    {
        if (_format.IsMarkup) text = Html.Escape(text, _context.Budget);
        var length = field.Precision >= 0 ? Math.Min(field.Precision, text.Length) : text.Length;
        var blank = StringValue.Of(" ", _format.OriginAt(percent));
        if (!field.Left) _builder.Repeat(blank, field.Width - length);
        _builder.Append(text, 0, text.UnitAt(length));
        if (field.Left) _builder.Repeat(blank, field.Width - length);
    }

    private void AppendInt(IntValue number, int radix, char type, Field field, int percent)
    {
        var digits = radix switch
        {
            10 => NumberText.Int(number).TrimStart('-'),
            8 => FormatSpec.Octal(BigInteger.Abs(number.Big)),
            _ => FormatSpec.TrimZeros(BigInteger.Abs(number.Big).ToString(type == 'X' ? "X" : "x", CultureInfo.InvariantCulture)),
        };
        var prefix = !field.Alternate ? "" : type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", _ => "" };
        AppendNumber(number.Big.Sign < 0, prefix, digits.PadLeft(Math.Max(field.Precision, 0), '0'), number.Origin, field, percent);
    }

    private void AppendFloat(Value value, char type, Field field, int percent)
    {
        if (value is UndefinedValue u) throw u.Error();
        var number = Numbers.ToDouble(value);
        var magnitude = Math.Abs(number);
        var precision = field.Precision < 0 ? 6 : field.Precision;
        var text = char.ToLowerInvariant(type) switch
        {
            _ when double.IsNaN(number) => "nan",
            _ when double.IsInfinity(number) => "inf",
            'f' => NumberText.Fixed(magnitude, precision) + (field.Alternate && precision == 0 ? "." : ""),
            'e' => NumberText.Exponent(magnitude, precision, 'e', field.Alternate),
            _ => NumberText.General(magnitude, precision, 'e', field.Alternate),
        };
        if (char.IsUpper(type)) text = text.ToUpperInvariant();
        AppendNumber(double.IsNegative(number) && !double.IsNaN(number), "", text, value.Origin, field, percent);
    }

    private void AppendNumber(bool negative, string prefix, string digits, TextOrigin origin, Field field, int percent)
    {
        var sign = negative ? "-" : field.Plus ? "+" : field.Space ? " " : "";
        var room = field.Width - sign.Length - prefix.Length - digits.Length;
        var blank = StringValue.Of(" ", _format.OriginAt(percent));
        if (!field.Left && !field.Zero) _builder.Repeat(blank, room);
        _builder.Append(sign, origin).Append(prefix, origin);
        if (!field.Left && field.Zero) _builder.Repeat(StringValue.Of("0", origin), room);
        _builder.Append(digits, origin);
        if (field.Left) _builder.Repeat(blank, room);
    }
}
