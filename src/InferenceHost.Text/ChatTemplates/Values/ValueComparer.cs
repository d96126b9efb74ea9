using System.Numerics;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's <c>==</c> and <c>hash()</c>: numbers compare by value whatever their type, text and containers by content.</summary>
internal sealed class ValueComparer : IEqualityComparer<Value>
{
    public static readonly ValueComparer Instance = new();

    // Hashing stops here, so that a tuple of shared tuples is not walked exponentially; equal tuples still hash equal.
    private const int HashDepth = 3;

    private ValueComparer()
    {
    }

    public static bool IsHashable(Value value) => value switch
    {
        ListValue { IsTuple: true } tuple => IsTupleHashable(tuple),
        ListValue or DictValue or DictViewValue { Kind: not DictViewKind.Values } => false,
        _ => true,
    };

    public static TemplateRenderException Unhashable(Value value) => new($"unhashable type: '{value.TypeName}'");

    public bool Equals(Value? x, Value? y) => ReferenceEquals(x, y) || AreEqual(x!, y!);

    /// <summary>Python's <c>==</c>, without the shortcut for the same object (which would make NaN equal itself).</summary>
    public bool AreEqual(Value x, Value y)
    {
        switch (x)
        {
            case StringValue a:
                return y is StringValue b && a.Text == b.Text;
            case NoneValue:
                return y is NoneValue;
            case IntValue or BoolValue or FloatValue:
                return y is IntValue or BoolValue or FloatValue && Numbers.AreEqual(x, y);
            case UndefinedValue:
                return y is UndefinedValue;
            case ListValue a:
                return y is ListValue l && l.IsTuple == a.IsTuple && AreItemsEqual(a.Items, l.Items);
            case DictValue a:
                return y is DictValue d && AreEntriesEqual(a, d);
            case RangeValue a:
                return y is RangeValue r && AreRangesEqual(a, r);
            case BytesValue a:
                return y is BytesValue bytes && a.Bytes.AsSpan().SequenceEqual(bytes.Bytes);
            case DictViewValue { Kind: not DictViewKind.Values } a:
                return y is DictViewValue v && v.Kind != DictViewKind.Values && a.Dict.Count == v.Dict.Count && AreViewsEqual(a, v);
            case BoundMethodValue a:
                return y is BoundMethodValue m && a.IsSame(m);
            default:
                return ReferenceEquals(x, y);
        }
    }

    public int GetHashCode(Value value) => Hash(value, 0);

    private static int Hash(Value value, int depth)
    {
        switch (value)
        {
            case StringValue s:
                return string.GetHashCode(s.Text.AsSpan());
            case BoolValue b:
                return (b.Value ? 1L : 0L).GetHashCode();
            case IntValue i:
                return i.IsSmall ? i.Small.GetHashCode() : i.Big.GetHashCode();
            case FloatValue f:
                if (!double.IsFinite(f.Value) || f.Value != Math.Floor(f.Value)) return f.Value.GetHashCode();
                var whole = new BigInteger(f.Value);
                return whole >= long.MinValue && whole <= long.MaxValue ? ((long)whole).GetHashCode() : whole.GetHashCode();
            case ListValue { IsTuple: true } tuple:
                if (depth == HashDepth) return tuple.Items.Length;
                var hash = default(HashCode);
                foreach (var item in tuple.Items) hash.Add(Hash(item, depth + 1));
                return hash.ToHashCode();
            case NoneValue or UndefinedValue:
                return value.GetType().GetHashCode();
            case RangeValue range:
                return range.Count;
            case BytesValue bytes:
                return bytes.Bytes.Length;
            case BoundMethodValue method:
                return method.Name.GetHashCode(StringComparison.Ordinal);
            default:
                return IsHashable(value) ? System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value) : throw Unhashable(value);
        }
    }

    private static bool IsTupleHashable(ListValue tuple)
    {
        Budget.Current?.Enter();
        Budget.Current?.Steps(tuple.Items.Length + 1);
        var hashable = Array.TrueForAll(tuple.Items, IsHashable);
        Budget.Current?.Leave();
        return hashable;
    }

    private bool AreItemsEqual(Value[] a, Value[] b)
    {
        if (a.Length != b.Length) return false;
        var budget = Budget.Current;
        budget?.Enter();
        var equal = true;
        for (var i = 0; i < a.Length && equal; i++)
        {
            budget?.Step();
            equal = Equals(a[i], b[i]);
        }

        budget?.Leave();
        return equal;
    }

    private bool AreEntriesEqual(DictValue a, DictValue b)
    {
        if (a.Count != b.Count) return false;
        var budget = Budget.Current;
        budget?.Enter();
        var equal = true;
        foreach (var entry in a.Entries)
        {
            budget?.Step();
            equal = b.TryGet(entry.Key, out var other) && Equals(entry.Value, other);
            if (!equal) break;
        }

        budget?.Leave();
        return equal;
    }

    private bool AreViewsEqual(DictViewValue a, DictViewValue b)
    {
        for (var i = 0; i < a.Dict.Count; i++)
        {
            Budget.Current?.Step();
            var found = a.Kind == b.Kind && (a.Kind == DictViewKind.Keys
                ? b.Dict.TryGet(a.At(i), out _)
                : b.Dict.TryGet(a.Dict.Entries[i].Key, out var other) && Equals(a.Dict.Entries[i].Value, other));
            if (!found) return false;
        }

        return true;
    }

    private static bool AreRangesEqual(RangeValue a, RangeValue b) =>
        a.Count == b.Count && (a.Count == 0 || (a.Start == b.Start && (a.Count == 1 || a.Step == b.Step)));
}
