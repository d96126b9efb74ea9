using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's format specification, <c>[[fill]align][sign][z][#][0][width][grouping][.precision][type]</c>.</summary>
internal sealed class FormatSpec
{
    private string _fill = " ";
    private char _align;
    private char _sign = '-';
    private bool _noNegativeZero;
    private bool _alternate;
    private bool _zero;
    private int _width;
    private char _grouping;
    private int _precision = -1;
    private char _type;

    /// <summary><c>format(value, spec)</c>.</summary>
    public static void Append(TextBuilder builder, Value value, StringValue spec)
    {
        if (spec.Text.Length == 0)
        {
            ValueText.AppendStr(builder, value);
            return;
        }

        var parsed = Parse(spec.Text, builder.Budget);
        var padding = spec.Origin;
        switch (value)
        {
            case StringValue s:
                parsed.AppendText(builder, s, padding);
                break;
            case IntValue or BoolValue:
                Numbers.TryInt(value, out var number);
                parsed.AppendInt(builder, number, padding);
                break;
            case FloatValue f:
                parsed.AppendFloat(builder, f.Value, f.Origin, padding);
                break;
            default:
                throw new TemplateRenderException($"unsupported format string passed to {value.TypeName}.__format__");
        }
    }

    private static FormatSpec Parse(string text, Budget budget)
    {
        var spec = new FormatSpec();
        var at = 0;
        var first = char.IsHighSurrogate(text[0]) && text.Length > 1 ? 2 : 1;
        if (text.Length > first && IsAlign(text[first]))
        {
            spec._fill = text[..first];
            spec._align = text[first];
            at = first + 1;
        }
        else if (IsAlign(text[0]))
        {
            spec._align = text[at++];
        }

        if (at < text.Length && text[at] is '+' or '-' or ' ') spec._sign = text[at++];
        if (at < text.Length && text[at] == 'z') spec._noNegativeZero = Take(ref at);
        if (at < text.Length && text[at] == '#') spec._alternate = Take(ref at);
        if (at < text.Length && text[at] == '0')
        {
            at++;
            if (spec._align == '\0')
            {
                spec._zero = true;
                spec._fill = "0";
            }
            else if (spec._fill == " " && at <= 2 && !HasFill(text))
            {
                spec._fill = "0";
            }
        }

        spec._width = Number(text, ref at, 0, budget);
        if (at < text.Length && text[at] is ',' or '_') spec._grouping = text[at++];
        if (at < text.Length && text[at] is ',' or '_') throw new TemplateRenderException("Cannot specify both ',' and '_'.");
        if (at < text.Length && text[at] == '.')
        {
            at++;
            spec._precision = Number(text, ref at, -1, budget);
            if (spec._precision < 0) throw new TemplateRenderException("Format specifier missing precision");
        }

        if (at < text.Length) spec._type = text[at++];
        return at < text.Length ? throw new TemplateRenderException($"Invalid format specifier '{text}'") : spec;
    }

    private static bool HasFill(string text) => text.Length > 1 && IsAlign(text[1]);

    private static bool Take(ref int at)
    {
        at++;
        return true;
    }

    private static bool IsAlign(char c) => c is '<' or '>' or '=' or '^';

    private static int Number(string text, ref int at, int missing, Budget budget)
    {
        var start = at;
        long value = 0;
        while (at < text.Length && char.IsAsciiDigit(text[at])) value = Math.Min((value * 10) + (text[at++] - '0'), int.MaxValue);
        if (at == start) return missing;
        budget.Text(value);
        return (int)value;
    }

    private void AppendText(TextBuilder builder, StringValue text, TextOrigin padding)
    {
        if (_type is not ('\0' or 's')) throw Unknown("str");
        if (_sign != '-') throw new TemplateRenderException("Sign not allowed in string format specifier");
        if (_alternate) throw new TemplateRenderException("Alternate form (#) not allowed in string format specifier");
        if (_noNegativeZero) throw new TemplateRenderException("Negative zero coercion (z) not allowed in string format specifier");
        if (_align == '=') throw new TemplateRenderException("'=' alignment not allowed in string format specifier");
        if (_grouping != '\0') throw new TemplateRenderException($"Cannot specify '{_grouping}' with 's'.");
        var length = _precision >= 0 ? Math.Min(_precision, text.Length) : text.Length;
        Pad(builder, length, '<', padding, () => builder.Append(text, 0, text.UnitAt(length)));
    }

    private void AppendInt(TextBuilder builder, IntValue number, TextOrigin padding)
    {
        if (_type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
        {
            AppendFloat(builder, Numbers.ToDouble(number), number.Origin, padding);
            return;
        }

        if (_precision >= 0) throw new TemplateRenderException("Precision not allowed in integer format specifier");
        if (_noNegativeZero) throw new TemplateRenderException("Negative zero coercion (z) not allowed in format specifier with integer format code");
        if (_type == 'c')
        {
            AppendChar(builder, number, padding);
            return;
        }

        var (radix, prefix) = _type switch
        {
            '\0' or 'd' or 'n' => (10, ""),
            'b' => (2, "0b"),
            'o' => (8, "0o"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => throw Unknown("int"),
        };
        if (_grouping == ',' && radix != 10) throw new TemplateRenderException($"Cannot specify ',' with '{_type}'.");
        if (_grouping != '\0' && _type == 'n') throw new TemplateRenderException($"Cannot specify '{_grouping}' with 'n'.");
        var digits = Digits(number, radix);
        if (_type == 'X') digits = digits.ToUpperInvariant();
        AppendNumber(builder, number.Big.Sign < 0, _alternate ? prefix : "", digits, "", radix == 10 ? 3 : 4, number.Origin, padding);
    }

    private void AppendChar(TextBuilder builder, IntValue number, TextOrigin padding)
    {
        if (_sign != '-') throw new TemplateRenderException("Sign not allowed with integer format specifier 'c'");
        if (_alternate) throw new TemplateRenderException("Alternate form (#) not allowed with integer format specifier 'c'");
        if (!number.IsSmall || number.Small is < 0 or > 0x10FFFF) throw new TemplateRenderException("%c arg not in range(0x110000)");
        Pad(builder, 1, '>', padding, () => builder.AppendPoint((int)number.Small, number.Origin));
    }

    private void AppendFloat(TextBuilder builder, double value, TextOrigin origin, TextOrigin padding)
    {
        if (_grouping != '\0' && _type == 'n') throw new TemplateRenderException($"Cannot specify '{_grouping}' with 'n'.");
        var negative = double.IsNegative(value) && !double.IsNaN(value);
        var magnitude = Math.Abs(value);
        var suffix = _type == '%' ? "%" : "";
        if (_type == '%') magnitude *= 100;
        var text = double.IsFinite(magnitude) ? FiniteText(magnitude) : double.IsNaN(value) ? "nan" : "inf";
        if (_type is 'F' or 'E' or 'G') text = text.ToUpperInvariant();
        if (_noNegativeZero && negative && !text.AsSpan().ContainsAnyInRange('1', '9') && double.IsFinite(magnitude)) negative = false;
        var split = text.AsSpan().IndexOfAnyExcept("0123456789");
        if (split < 0) split = text.Length;
        AppendNumber(builder, negative, "", text[..split], text[split..] + suffix, 3, origin, padding);
    }

    private string FiniteText(double value) => _type switch
    {
        'f' or 'F' or '%' => NumberText.Fixed(value, _precision < 0 ? 6 : _precision) + (_alternate && _precision == 0 ? "." : ""),
        'e' or 'E' => NumberText.Exponent(value, _precision < 0 ? 6 : _precision, 'e', _alternate),
        'g' or 'G' or 'n' => NumberText.General(value, _precision < 0 ? 6 : _precision, 'e', _alternate),
        '\0' => _precision < 0 ? NumberText.Repr(value) : NumberText.GeneralFloat(value, _precision, _alternate),
        _ => throw Unknown("float"),
    };

    private void AppendNumber(TextBuilder builder, bool negative, string prefix, string digits, string rest, int group, TextOrigin origin, TextOrigin padding)
    {
        var sign = negative ? "-" : _sign == '-' ? "" : _sign.ToString();
        var fillsZeros = _fill == "0" && (_zero || _align == '=');
        if (_grouping != '\0' && digits.Length > 0)
        {
            digits = Group(digits, _grouping, group, fillsZeros ? _width - sign.Length - prefix.Length - rest.Length : 0);
        }

        var length = sign.Length + prefix.Length + digits.Length + rest.Length;
        if (_zero || _align == '=')
        {
            builder.Append(sign, origin).Append(prefix, origin);
            builder.Repeat(StringValue.Of(_fill, padding), _width - length);
            builder.Append(digits, origin).Append(rest, origin);
            return;
        }

        Pad(builder, length, '>', padding, () => builder.Append(sign, origin).Append(prefix, origin).Append(digits, origin).Append(rest, origin));
    }

    /// <summary>Separators between groups of digits; leading zeros until <paramref name="minWidth"/>, never a leading separator.</summary>
    private static string Group(string digits, char separator, int size, int minWidth)
    {
        var groups = new List<string>();
        var remaining = digits.Length;
        while (true)
        {
            var length = Math.Min(size, Math.Max(Math.Max(remaining, minWidth), 1));
            var taken = Math.Max(0, Math.Min(remaining, length));
            groups.Add(digits.Substring(remaining - taken, taken).PadLeft(length, '0'));
            remaining -= taken;
            minWidth -= length;
            if (remaining <= 0 && minWidth <= 0) break;
            minWidth--;
        }

        groups.Reverse();
        return string.Join(separator, groups);
    }

    private static string Digits(IntValue number, int radix)
    {
        if (radix == 10) return NumberText.Int(number).TrimStart('-');
        var value = BigInteger.Abs(number.Big);
        return radix switch
        {
            16 => TrimZeros(value.ToString("x", CultureInfo.InvariantCulture)),
            2 => TrimZeros(value.ToString("b", CultureInfo.InvariantCulture)),
            _ => Octal(value),
        };
    }

    internal static string Octal(BigInteger value)
    {
        if (value.IsZero) return "0";
        var digits = new List<char>();
        for (; !value.IsZero; value >>= 3) digits.Add((char)('0' + (int)(value & 7)));
        digits.Reverse();
        return new string([.. digits]);
    }

    internal static string TrimZeros(string digits)
    {
        var trimmed = digits.TrimStart('0');
        return trimmed.Length == 0 ? "0" : trimmed;
    }

    private void Pad(TextBuilder builder, int length, char defaultAlign, TextOrigin origin, Action append)
    {
        var room = Math.Max(0, _width - length);
        var align = _align == '\0' ? defaultAlign : _align;
        var left = align switch { '>' => room, '^' => room / 2, _ => 0 };
        var fill = StringValue.Of(_fill, origin);
        builder.Repeat(fill, left);
        append();
        builder.Repeat(fill, room - left);
    }

    private TemplateRenderException Unknown(string type) => new($"Unknown format code '{_type}' for object of type '{type}'");
}
