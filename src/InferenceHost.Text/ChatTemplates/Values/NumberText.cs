using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Numbers as Python writes them: shortest round-trip floats, and exact decimal expansion rounded half to even.</summary>
internal static class NumberText
{
    // Python refuses to print longer ints.
    private const int MaxDigits = 4300;

    public static string Int(IntValue value)
    {
        if (value.IsSmall) return value.Small.ToString(CultureInfo.InvariantCulture);
        if (value.Big.GetBitLength() > 14_300) throw new TemplateRenderException($"Exceeds the limit ({MaxDigits} digits) for integer string conversion");
        return value.Big.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary><c>repr(float)</c>.</summary>
    public static string Repr(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        Shortest(Math.Abs(value), out var digits, out var exponent);
        var sign = double.IsNegative(value) ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            var mantissa = digits.Length > 1 ? digits[..1] + "." + digits[1..] : digits;
            return sign + mantissa + ExponentText(exponent, 'e');
        }

        return sign + PlaceOne(digits, exponent, forceFraction: true);
    }

    /// <summary>Fixed notation with exactly <paramref name="precision"/> decimals; the value is finite and not negative.</summary>
    public static string Fixed(double value, int precision)
    {
        var digits = RoundScaled(value, precision).ToString(CultureInfo.InvariantCulture);
        if (precision == 0) return digits;
        digits = digits.PadLeft(precision + 1, '0');
        return digits[..^precision] + "." + digits[^precision..];
    }

    /// <summary>Scientific notation with exactly <paramref name="precision"/> decimals; the value is finite and not negative.</summary>
    public static string Exponent(double value, int precision, char letter, bool alternate)
    {
        Significant(value, precision + 1, out var digits, out var exponent);
        var mantissa = precision > 0 ? digits[..1] + "." + digits[1..] : alternate ? digits + "." : digits;
        return mantissa + ExponentText(exponent, letter);
    }

    /// <summary>General notation (<c>g</c>) with <paramref name="precision"/> significant digits; the value is finite and not negative.</summary>
    public static string General(double value, int precision, char letter, bool alternate)
    {
        if (precision == 0) precision = 1;
        Significant(value, precision, out var digits, out var exponent);
        if (!alternate) digits = TrimZeros(digits);
        if (exponent < -4 || exponent >= precision)
        {
            var mantissa = digits.Length > 1 ? digits[..1] + "." + digits[1..] : alternate ? digits + "." : digits;
            return mantissa + ExponentText(exponent, letter);
        }

        var text = PlaceOne(digits, exponent, forceFraction: false);
        return alternate && !text.Contains('.', StringComparison.Ordinal) ? text + "." : text;
    }

    /// <summary><c>format(float, '')</c> with a precision but no type: like <c>g</c>, but with a decimal in fixed notation and one digit less before the exponent.</summary>
    public static string GeneralFloat(double value, int precision, bool alternate)
    {
        if (precision == 0) precision = 1;
        Significant(value, precision, out var digits, out var exponent);
        if (!alternate) digits = TrimZeros(digits);
        if (exponent >= -4 && exponent < precision - 1) return PlaceOne(digits, exponent, forceFraction: true);
        if (exponent < -4 || exponent >= precision - 1)
        {
            var mantissa = digits.Length > 1 ? digits[..1] + "." + digits[1..] : digits;
            return mantissa + ExponentText(exponent, 'e');
        }

        return PlaceOne(digits, exponent, forceFraction: true);
    }

    /// <summary>Python's <c>round(float, n)</c>.</summary>
    public static double Round(double value, int decimals)
    {
        if (!double.IsFinite(value) || value == 0 || decimals > 330) return value;
        if (decimals < -310) return Math.CopySign(0, value);
        var scaled = RoundScaled(Math.Abs(value), decimals).ToString(CultureInfo.InvariantCulture);
        var rounded = double.Parse(scaled + "E" + (-decimals).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        if (double.IsInfinity(rounded)) throw new TemplateRenderException("rounded value too large to represent");
        return Math.CopySign(rounded, value);
    }

    /// <summary><c>value * 10^decimals</c> as an integer, exact, ties to even.</summary>
    public static BigInteger RoundScaled(double value, int decimals)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        BigInteger numerator = exponent == 0 ? bits & 0xFFFFFFFFFFFFF : (bits & 0xFFFFFFFFFFFFF) | (1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        var denominator = BigInteger.One;
        if (decimals >= 0) numerator *= BigInteger.Pow(10, decimals);
        else denominator = BigInteger.Pow(10, -decimals);
        if (exponent >= 0) numerator <<= exponent;
        else denominator <<= -exponent;
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (rest << 1).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    /// <summary>Digits that read back as the same double, fewest possible, and the decimal exponent of the first.</summary>
    private static void Shortest(double value, out string digits, out int exponent)
    {
        if (value == 0)
        {
            digits = "0";
            exponent = 0;
            return;
        }

        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var e = text.IndexOf('E', StringComparison.Ordinal);
        exponent = e < 0 ? 0 : int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? text : text[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa : mantissa[..point];
        var all = point < 0 ? mantissa : whole + mantissa[(point + 1)..];
        var leading = 0;
        while (leading < all.Length - 1 && all[leading] == '0') leading++;
        exponent += whole.Length - 1 - leading;
        digits = TrimZeros(all[leading..]);
    }

    private static void Significant(double value, int count, out string digits, out int exponent)
    {
        if (value == 0)
        {
            digits = new string('0', count);
            exponent = 0;
            return;
        }

        Shortest(value, out _, out exponent);
        digits = RoundScaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
        if (digits.Length > count)
        {
            exponent++;
            digits = RoundScaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
        }
    }

    private static string PlaceOne(string digits, int exponent, bool forceFraction)
    {
        if (exponent < 0) return "0." + new string('0', -exponent - 1) + digits;
        if (digits.Length > exponent + 1) return digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
        return digits.PadRight(exponent + 1, '0') + (forceFraction ? ".0" : "");
    }

    private static string TrimZeros(string digits)
    {
        var trimmed = digits.TrimEnd('0');
        return trimmed.Length == 0 ? "0" : trimmed;
    }

    private static string ExponentText(int exponent, char letter)
    {
        var text = Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
        return letter + (exponent < 0 ? "-" : "+") + text;
    }
}
