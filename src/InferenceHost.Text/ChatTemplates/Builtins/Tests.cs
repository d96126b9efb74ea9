using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Jinja's tests.</summary>
internal static class Tests
{
    // Before the table, which is made from it.
    private static readonly (string Sign, string[] Names)[] Comparisons =
    [
        ("==", ["==", "eq", "equalto"]),
        ("!=", ["!=", "ne"]),
        (">", [">", "gt", "greaterthan"]),
        (">=", [">=", "ge"]),
        ("<", ["<", "lt", "lessthan"]),
        ("<=", ["<=", "le"]),
    ];

    public static readonly FrozenDictionary<string, Builtin> All = MakeAll().Freeze();

    private static Table MakeAll()
    {
        var table = new Table()
            .Add("odd", "value", (c, a) => BoolValue.Of(Operators.AreEqual(Operators.Modulo(a[0]!, IntValue.Of(2), c), IntValue.Of(1))))
            .Add("even", "value", (c, a) => BoolValue.Of(Operators.AreEqual(Operators.Modulo(a[0]!, IntValue.Of(2), c), IntValue.Of(0))))
            .Add("divisibleby", "value num", (c, a) => BoolValue.Of(Operators.AreEqual(Operators.Modulo(a[0]!, a[1]!, c), IntValue.Of(0))))
            .Add("filter", "value", (_, a) => BoolValue.Of(Key(a[0]!) is { } name && Filters.All.ContainsKey(name)))
            .Add("test", "value", (_, a) => BoolValue.Of(Key(a[0]!) is { } name && All.ContainsKey(name)))
            .Add("lower", "value", (c, a) => BoolValue.Of(TextCase.IsLower(ValueText.Str(a[0]!, c.Budget).Text)))
            .Add("upper", "value", (c, a) => BoolValue.Of(TextCase.IsUpper(ValueText.Str(a[0]!, c.Budget).Text)))
            .Add("sameas", "value other", (_, a) => BoolValue.Of(IsSame(a[0]!, a[1]!)))
            .Add("in", "value seq", (c, a) => BoolValue.Of(Operators.Contains(a[1]!, a[0]!, c)));
        Add(table, "defined", v => v is not UndefinedValue);
        Add(table, "undefined", v => v is UndefinedValue);
        Add(table, "none", v => v is NoneValue);
        Add(table, "boolean", v => v is BoolValue);
        Add(table, "false", v => v is BoolValue { Value: false });
        Add(table, "true", v => v is BoolValue { Value: true });
        Add(table, "integer", v => v is IntValue);
        Add(table, "float", v => v is FloatValue);
        Add(table, "string", v => v is StringValue);
        Add(table, "mapping", v => v is DictValue);
        Add(table, "number", Numbers.IsNumber);
        Add(table, "sequence", v => v is StringValue or ListValue or DictValue or RangeValue or UndefinedValue or BytesValue);
        Add(table, "iterable", Sequences.IsIterable);
        Add(table, "callable", v => v is CallableValue or UndefinedValue);
        Add(table, "escaped", v => v is StringValue { IsMarkup: true });
        foreach (var (sign, names) in Comparisons)
        {
            foreach (var name in names) table.Add(name, "/value other", (c, a) => BoolValue.Of(CompareExpression.Holds(sign, a[0]!, a[1]!, c)));
        }

        return table;
    }

    private static void Add(Table table, string name, Predicate<Value> test) => table.Add(name, "value", (_, a) => BoolValue.Of(test(a[0]!)));

    private static string? Key(Value value) => ValueComparer.IsHashable(value) ? (value as StringValue)?.Text : throw ValueComparer.Unhashable(value);

    // Python's identity: singletons, small ints and short strings are shared there too.
    private static bool IsSame(Value a, Value b) => ReferenceEquals(a, b) || (a, b) switch
    {
        (BoolValue x, BoolValue y) => x.Value == y.Value,
        (IntValue { IsSmall: true } x, IntValue { IsSmall: true } y) => x.Small == y.Small && x.Small is >= -5 and <= 256,
        (StringValue x, StringValue y) => x.Text == y.Text && x.Text.Length <= 1,
        _ => false,
    };
}
