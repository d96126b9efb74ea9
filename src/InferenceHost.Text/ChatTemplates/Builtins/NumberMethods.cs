using System.Collections.Frozen;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Methods of ints and floats.</summary>
internal static class NumberMethods
{
    public static readonly FrozenDictionary<string, Builtin> OfInt = new Table()
        .Add("bit_length", "/self", (_, a) => IntValue.Of((long)BigInteger.Abs(Int(a)).GetBitLength()))
        .Add("bit_count", "/self", (_, a) => IntValue.Of(BigInteger.Abs(Int(a)).ToByteArray().Sum(b => BitOperations.PopCount(b))))
        .Add("conjugate", "/self", (_, a) => Operators.Plus(a[0]!))
        .Add("as_integer_ratio", "/self", (_, a) => ListValue.Tuple(Operators.Plus(a[0]!), IntValue.Of(1)))
        .Freeze();

    public static readonly FrozenDictionary<string, Builtin> OfFloat = new Table()
        .Add("is_integer", "/self", (_, a) => BoolValue.Of(double.IsFinite(Float(a)) && Float(a) == Math.Floor(Float(a))))
        .Add("conjugate", "/self", (_, a) => a[0]!)
        .Add("as_integer_ratio", "/self", (_, a) => Ratio(Float(a)))
        .Add("hex", "/self", (_, a) => StringValue.Of(Hex(Float(a)), a[0]!.Origin))
        .Freeze();

    private static BigInteger Int(Value?[] a) => Numbers.TryInt(a[0]!, out var value) ? value.Big : default;

    private static double Float(Value?[] a) => ((FloatValue)a[0]!).Value;

    /// <summary><c>float.hex</c>: the exact value with a binary exponent.</summary>
    private static string Hex(double value)
    {
        if (!double.IsFinite(value)) return NumberText.Repr(value);
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var fraction = bits & 0xFFFFFFFFFFFFF;
        var sign = bits < 0 ? "-" : "";
        if (value == 0) return sign + "0x0.0p+0";
        var power = exponent == 0 ? -1022 : exponent - 1023;
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{sign}0x{(exponent == 0 ? 0 : 1)}.{fraction:x13}p{(power < 0 ? "" : "+")}{power}");
    }

    private static ListValue Ratio(double value)
    {
        if (!double.IsFinite(value)) throw new TemplateRenderException("cannot convert Infinity or NaN to integer ratio");
        var exponent = 0;
        while (value != Math.Floor(value))
        {
            value *= 2;
            exponent++;
        }

        return ListValue.Tuple(IntValue.Of(new BigInteger(value)), IntValue.Of(BigInteger.One << exponent));
    }
}
