using System.Globalization;
using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's arithmetic on int, bool and float: unbounded ints, floor division, the sign of the divisor for modulo, exact comparison.</summary>
internal static class Numbers
{
    // Larger ints are refused: nothing a template prints needs them (Python itself prints at most 4,300 digits, some 14,300 bits).
    private const long MaxBits = 1 << 17;
    private const long Exact = 1L << 53;

    public static bool IsNumber(Value value) => value is IntValue or FloatValue or BoolValue;

    /// <summary>The value as an int, where it is an int or a bool.</summary>
    public static bool TryInt(Value value, out IntValue result)
    {
        switch (value)
        {
            case IntValue i:
                result = i;
                return true;
            case BoolValue b:
                result = IntValue.Of(b.Value ? 1 : 0, b.Origin);
                return true;
            default:
                result = null!;
                return false;
        }
    }

    /// <summary>An index or count: an int or bool, clamped to the range of 32 bits.</summary>
    public static bool TryIndex(Value value, out int index)
    {
        if (!TryInt(value, out var i))
        {
            index = 0;
            return false;
        }

        index = i.IsSmall ? (int)Math.Clamp(i.Small, int.MinValue + 1, int.MaxValue - 1) : i.Big.Sign * (int.MaxValue - 1);
        return true;
    }

    public static TextOrigin OriginOf(Value a, Value b) => a.Origin == TextOrigin.Template ? b.Origin : TextOrigin.Message;

    public static double ToDouble(Value value) => value switch
    {
        FloatValue f => f.Value,
        BoolValue b => b.Value ? 1 : 0,
        IntValue { IsSmall: true } i => i.Small,
        IntValue i => BigToDouble(i.Big),
        _ => throw new TemplateRenderException($"must be real number, not {value.TypeName}"),
    };

    public static bool AreEqual(Value a, Value b)
    {
        if (a is IntValue { IsSmall: true } x && b is IntValue { IsSmall: true } y) return x.Small == y.Small;
        return TryCompare(a, b, out var order) && order == 0;
    }

    /// <summary>Exact order of two numbers; false where one is NaN.</summary>
    public static bool TryCompare(Value a, Value b, out int order)
    {
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            order = i.IsSmall && j.IsSmall ? i.Small.CompareTo(j.Small) : i.Big.CompareTo(j.Big);
            return true;
        }

        if (a is FloatValue f && b is FloatValue g)
        {
            order = f.Value.CompareTo(g.Value);
            return !double.IsNaN(f.Value) && !double.IsNaN(g.Value);
        }

        if (a is FloatValue left)
        {
            TryInt(b, out var right);
            order = -CompareToDouble(right, left.Value);
            return !double.IsNaN(left.Value);
        }

        TryInt(a, out var number);
        var real = ((FloatValue)b).Value;
        order = CompareToDouble(number, real);
        return !double.IsNaN(real);
    }

    public static Value Add(Value a, Value b)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (!i.IsSmall || !j.IsSmall) return IntValue.Of(i.Big + j.Big, origin);
            var sum = unchecked(i.Small + j.Small);
            return ((i.Small ^ sum) & (j.Small ^ sum)) < 0 ? IntValue.Of(i.Big + j.Big, origin) : IntValue.Of(sum, origin);
        }

        return new FloatValue(ToDouble(a) + ToDouble(b), origin);
    }

    public static Value Subtract(Value a, Value b)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (!i.IsSmall || !j.IsSmall) return IntValue.Of(i.Big - j.Big, origin);
            var difference = unchecked(i.Small - j.Small);
            return ((i.Small ^ j.Small) & (i.Small ^ difference)) < 0 ? IntValue.Of(i.Big - j.Big, origin) : IntValue.Of(difference, origin);
        }

        return new FloatValue(ToDouble(a) - ToDouble(b), origin);
    }

    public static Value Multiply(Value a, Value b, Budget budget)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (i.IsSmall && j.IsSmall && Math.BigMul(i.Small, j.Small, out var low) == low >> 63) return IntValue.Of(low, origin);
            ChargeBits(i.Big.GetBitLength() + j.Big.GetBitLength(), budget);
            return IntValue.Of(i.Big * j.Big, origin);
        }

        return new FloatValue(ToDouble(a) * ToDouble(b), origin);
    }

    public static Value Divide(Value a, Value b)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (!j.Truthy) throw new TemplateRenderException("division by zero");
            if (i.IsSmall && j.IsSmall && Math.Abs(i.Small >> 1) < Exact / 2 && Math.Abs(j.Small >> 1) < Exact / 2) return new FloatValue((double)i.Small / j.Small, origin);
            return new FloatValue(DivideBig(i.Big, j.Big), origin);
        }

        var divisor = ToDouble(b);
        if (divisor == 0) throw new TemplateRenderException("float division by zero");
        return new FloatValue(ToDouble(a) / divisor, origin);
    }

    public static Value FloorDivide(Value a, Value b)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (!j.Truthy) throw new TemplateRenderException("integer division or modulo by zero");
            var quotient = BigInteger.DivRem(i.Big, j.Big, out var rest);
            return IntValue.Of(!rest.IsZero && (rest.Sign < 0) != (j.Big.Sign < 0) ? quotient - 1 : quotient, origin);
        }

        FloatDivMod(ToDouble(a), ToDouble(b), out var floor, out _);
        return new FloatValue(floor, origin);
    }

    public static Value Modulo(Value a, Value b)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j))
        {
            if (!j.Truthy) throw new TemplateRenderException("integer division or modulo by zero");
            if (i.IsSmall && j.IsSmall && j.Small != -1)
            {
                var small = i.Small % j.Small;
                return IntValue.Of(small != 0 && (small < 0) != (j.Small < 0) ? small + j.Small : small, origin);
            }

            var rest = i.Big % j.Big;
            return IntValue.Of(!rest.IsZero && (rest.Sign < 0) != (j.Big.Sign < 0) ? rest + j.Big : rest, origin);
        }

        FloatDivMod(ToDouble(a), ToDouble(b), out _, out var mod);
        return new FloatValue(mod, origin);
    }

    public static Value Power(Value a, Value b, Budget budget)
    {
        var origin = OriginOf(a, b);
        if (TryInt(a, out var i) && TryInt(b, out var j) && j.Big.Sign >= 0)
        {
            if (i.IsSmall && i.Small is 0 or 1 or -1)
            {
                return IntValue.Of(!j.Truthy ? 1 : i.Small is 1 or 0 ? i.Small : j.Big.IsEven ? 1 : -1, origin);
            }

            if (!j.IsSmall || j.Small > MaxBits) throw TooLarge();
            ChargeBits(i.Big.GetBitLength() * j.Small, budget);
            return IntValue.Of(BigInteger.Pow(i.Big, (int)j.Small), origin);
        }

        var x = ToDouble(a);
        var y = ToDouble(b);
        if (x == 0 && y < 0) throw new TemplateRenderException("0.0 cannot be raised to a negative power");
        if (x < 0 && double.IsFinite(x) && double.IsFinite(y) && y != Math.Floor(y)) throw new TemplateRenderException("complex numbers are not supported");
        var result = x == 1 || y == 0 ? 1 : Math.Pow(x, y);
        if (double.IsInfinity(result) && double.IsFinite(x) && double.IsFinite(y)) throw new TemplateRenderException("Numerical result out of range");
        return new FloatValue(result, origin);
    }

    public static Value Negate(Value a) => a switch
    {
        FloatValue f => new FloatValue(-f.Value, f.Origin),
        IntValue { IsSmall: true } i when i.Small != long.MinValue => IntValue.Of(-i.Small, i.Origin),
        _ => TryInt(a, out var i) ? IntValue.Of(-i.Big, a.Origin) : throw new TemplateRenderException($"bad operand type for unary -: '{a.TypeName}'"),
    };

    /// <summary>Nearest double, ties to even; .NET's own conversion truncates.</summary>
    public static double BigToDouble(BigInteger value)
    {
        if (value.GetBitLength() > 1100) throw new TemplateRenderException("int too large to convert to float");
        var result = double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return double.IsInfinity(result) ? throw new TemplateRenderException("int too large to convert to float") : result;
    }

    /// <summary>Python's <c>int(float)</c>.</summary>
    public static IntValue Truncate(double value, TextOrigin origin)
    {
        if (double.IsNaN(value)) throw new TemplateRenderException("cannot convert float NaN to integer");
        if (double.IsInfinity(value)) throw new TemplateRenderException("cannot convert float infinity to integer");
        return IntValue.Of(new BigInteger(value), origin);
    }

    private static int CompareToDouble(IntValue number, double real)
    {
        if (number.IsSmall && number.Small is > -Exact and < Exact) return ((double)number.Small).CompareTo(real);
        if (double.IsNaN(real)) return 1;
        if (double.IsInfinity(real)) return real > 0 ? -1 : 1;
        var order = number.Big.CompareTo(new BigInteger(real));
        if (order != 0) return order;
        var fraction = real - Math.Truncate(real);
        return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
    }

    private static void FloatDivMod(double x, double y, out double floor, out double mod)
    {
        if (y == 0) throw new TemplateRenderException("float modulo");
        mod = x % y;
        var quotient = (x - mod) / y;
        if (mod != 0)
        {
            if ((y < 0) != (mod < 0))
            {
                mod += y;
                quotient -= 1;
            }
        }
        else
        {
            mod = Math.CopySign(0, y);
        }

        if (quotient == 0)
        {
            floor = Math.CopySign(0, x / y);
            return;
        }

        floor = Math.Floor(quotient);
        if (quotient - floor > 0.5) floor += 1;
    }

    private static double DivideBig(BigInteger a, BigInteger b)
    {
        // A quotient of at least 66 bits with a sticky bit rounds like the exact one.
        var shift = (int)Math.Max(0, 66 - (BigInteger.Abs(a).GetBitLength() - BigInteger.Abs(b).GetBitLength()));
        if (a.IsZero) return 0;
        if (shift > 4000) return 0;
        var quotient = BigInteger.DivRem(a << shift, b, out var rest);
        if (!rest.IsZero) quotient |= BigInteger.One;
        if (quotient.GetBitLength() - shift > 1030) throw new TemplateRenderException("integer division result too large for a float");
        return quotient.GetBitLength() > 1100 ? BigToDouble(quotient >> shift) : Math.ScaleB(BigToDouble(quotient), -shift);
    }

    private static void ChargeBits(long bits, Budget budget)
    {
        if (bits > MaxBits) throw TooLarge();
        budget.Bytes(bits / 8);
        budget.Steps(1 + (bits * bits >> 20));
    }

    private static TemplateLimitException TooLarge() => new($"an integer has more than {MaxBits} bits");
}
