using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Filters that make or change numbers.</summary>
internal static class NumberFilters
{
    private static readonly string[] DecimalUnits = ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    private static readonly string[] BinaryUnits = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

    public static readonly Table Table = new Table()
        .Add("abs", "/x", (_, a) => Abs(a[0]!))
        .Add("int", "value default= base=", ToInt)
        .Add("float", "value default=", (_, a) => TryFloat(a[0]!, out var value) ? new FloatValue(value, a[0]!.Origin) : a[1] ?? new FloatValue(0))
        .Add("round", "value precision= method=", Round)
        .Add("filesizeformat", "value binary=", FileSize);

    private static Value Abs(Value value) => value switch
    {
        FloatValue f => new FloatValue(Math.Abs(f.Value), f.Origin),
        UndefinedValue u => throw u.Error(),
        _ => Numbers.TryInt(value, out var i) ? i.Big.Sign < 0 ? Numbers.Negate(i) : i : throw new TemplateRenderException($"bad operand type for abs(): '{value.TypeName}'"),
    };

    private static Value ToInt(RenderContext context, Value?[] a)
    {
        var missing = a[1] ?? IntValue.Of(0);
        var radix = Args.Int(a[2], 10);
        switch (a[0])
        {
            case StringValue s:
                context.Budget.Scan(s.Text.Length);
                if (TryParseInt(s.Text, radix, out var parsed)) return IntValue.Of(parsed, s.Origin);
                return TryFloat(s, out var real) && double.IsFinite(real) ? Numbers.Truncate(real, s.Origin) : missing;
            case UndefinedValue u:
                throw u.Error();
            case FloatValue f:
                return double.IsNaN(f.Value) ? missing : Numbers.Truncate(f.Value, f.Origin);
            default:
                return Numbers.TryInt(a[0]!, out var i) ? i : missing;
        }
    }

    /// <summary>Python's <c>int(text, radix)</c>.</summary>
    private static bool TryParseInt(string text, int radix, out BigInteger value)
    {
        value = BigInteger.Zero;
        if (radix is < 0 or 1 or > 36) return false;
        var (start, end) = (0, text.Length);
        while (start < end && PythonText.IsSpace(text[start])) start++;
        while (end > start && PythonText.IsSpace(text[end - 1])) end--;
        var negative = start < end && text[start] == '-';
        if (start < end && text[start] is '+' or '-') start++;
        var digits = text[start..end];
        var prefixRadix = digits.Length > 1 && digits[0] == '0' ? (char)(digits[1] | 0x20) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        var prefixed = prefixRadix != 0 && (radix == 0 || radix == prefixRadix);
        if (prefixed) digits = digits.Length > 2 && digits[2] == '_' ? digits[3..] : digits[2..];
        if (radix == 0 && !prefixed && digits.Length > 1 && digits[0] == '0' && digits.Any(c => c is not ('0' or '_'))) return false;
        radix = prefixed ? prefixRadix : radix == 0 ? 10 : radix;
        if (digits.Length is 0 or > 4300 || digits[^1] == '_') return false;
        var lastUnderscore = true;
        foreach (var c in digits)
        {
            if (c == '_')
            {
                if (lastUnderscore) return false;
                lastUnderscore = true;
                continue;
            }

            lastUnderscore = false;
            var digit = Digit(c);
            if (digit < 0 || digit >= radix) return false;
            value = (value * radix) + digit;
        }

        if (negative) value = -value;
        return true;
    }

    private static int Digit(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'z' => c - 'a' + 10,
        >= 'A' and <= 'Z' => c - 'A' + 10,
        > '\x7F' => CharUnicodeInfo.GetDecimalDigitValue(c),
        _ => -1,
    };

    /// <summary>Python's <c>float(value)</c>.</summary>
    private static bool TryFloat(Value value, out double result)
    {
        result = 0;
        switch (value)
        {
            case UndefinedValue u:
                throw u.Error();
            case IntValue or BoolValue or FloatValue:
                result = Numbers.ToDouble(value);
                return true;
            case StringValue s:
                return TryParseFloat(s.Text, out result);
            default:
                return false;
        }
    }

    private static bool TryParseFloat(string text, out double result)
    {
        var (start, end) = (0, text.Length);
        while (start < end && PythonText.IsSpace(text[start])) start++;
        while (end > start && PythonText.IsSpace(text[end - 1])) end--;
        var trimmed = text[start..end];
        var unsigned = trimmed.TrimStart('+', '-').ToLowerInvariant();
        result = 0;
        if (trimmed.Length - unsigned.Length > 1) return false;
        if (unsigned is "inf" or "infinity" or "nan")
        {
            result = unsigned == "nan" ? double.NaN : trimmed[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        for (var i = 0; i < trimmed.Length; i++)
        {
            if (trimmed[i] == '_' && (i == 0 || i == trimmed.Length - 1 || !char.IsAsciiDigit(trimmed[i - 1]) || !char.IsAsciiDigit(trimmed[i + 1]))) return false;
        }

        if (unsigned.Length == 0 || !(char.IsAsciiDigit(unsigned[0]) || unsigned[0] == '.')) return false;
        return double.TryParse(trimmed.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out result);
    }

    private static Value Round(RenderContext context, Value?[] a)
    {
        var method = a[2] is null ? "common" : Args.Text(a[2], "method").Text;
        if (method is not ("common" or "ceil" or "floor")) throw new TemplateRenderException("method must be common, ceil or floor");
        var value = a[0]!;
        if (value is UndefinedValue u) throw u.Error();
        if (!Numbers.IsNumber(value)) throw new TemplateRenderException($"type {value.TypeName} doesn't define __round__ method");
        if (method == "common")
        {
            if (a[1] is NoneValue) return value is FloatValue whole ? Numbers.Truncate(NumberText.Round(whole.Value, 0), whole.Origin) : Operators.Plus(value);
            var precision = Args.Int(a[1], 0);
            return value is FloatValue f ? new FloatValue(NumberText.Round(f.Value, precision), f.Origin) : RoundInt(value, precision, context.Budget);
        }

        var factor = Numbers.Power(IntValue.Of(10), a[1] ?? IntValue.Of(0), context.Budget);
        var scaled = Numbers.Multiply(value, factor, context.Budget);
        if (scaled is FloatValue real) scaled = Numbers.Truncate(method == "ceil" ? Math.Ceiling(real.Value) : Math.Floor(real.Value), real.Origin);
        return Numbers.Divide(scaled, factor);
    }

    private static IntValue RoundInt(Value value, int precision, Budget budget)
    {
        Numbers.TryInt(value, out var number);
        if (precision >= 0) return number;
        if (-precision > 5000) return IntValue.Of(0, number.Origin);
        budget.Bytes(-precision);
        var unit = BigInteger.Pow(10, -precision);
        var floor = BigInteger.DivRem(number.Big, unit, out var rest);
        if (rest.Sign < 0)
        {
            rest += unit;
            floor -= 1;
        }

        var half = (rest << 1).CompareTo(unit);
        if (half > 0 || (half == 0 && !floor.IsEven)) floor += 1;
        return IntValue.Of(floor * unit, number.Origin);
    }

    private static StringValue FileSize(RenderContext context, Value?[] a)
    {
        if (!TryFloat(a[0]!, out var bytes)) throw new TemplateRenderException($"could not convert {a[0]!.TypeName} to float");
        var binary = Args.Flag(a[1]);
        double unit = binary ? 1024 : 1000;
        var text = bytes == 1 ? "1 Byte" : bytes < unit ? Numbers.Truncate(bytes, TextOrigin.Template).Big.ToString(CultureInfo.InvariantCulture) + " Bytes" : null;
        var size = unit * unit;
        for (var i = 0; text is null; i++, size *= unit)
        {
            if (bytes < size || i == 7) text = NumberText.Fixed(Math.Abs(unit * bytes / size), 1) + " " + (binary ? BinaryUnits : DecimalUnits)[i];
        }

        context.Budget.Step();
        return StringValue.Of(text, a[0]!.Origin);
    }
}
