using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Attributes of values as the immutable sandbox shows them: methods that would change a value, and names with a leading underscore, are unsafe.</summary>
internal static class Attributes
{
    private static readonly FrozenSet<string> UnsafeOfList = FrozenSet.ToFrozenSet(["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]);
    private static readonly FrozenSet<string> UnsafeOfDict = FrozenSet.ToFrozenSet(["clear", "pop", "popitem", "setdefault", "update"]);

    // What every Python object has.
    private static readonly FrozenSet<string> Internal = FrozenSet.ToFrozenSet(
        ["__class__", "__doc__", "__init__", "__dir__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__repr__", "__str__", "__new__", "__reduce__",
         "__reduce_ex__", "__getattribute__", "__setattr__", "__delattr__", "__format__", "__sizeof__", "__subclasshook__", "__init_subclass__"]);

    /// <summary>The attribute, or null where the value has none of that name; an undefined for unsafe ones.</summary>
    public static Value? Find(Value value, string name, RenderContext context)
    {
        if (value is UndefinedValue undefined) throw undefined.Error();
        if (name.StartsWith('_') && value is not NamespaceValue) return Internal.Contains(name) ? UndefinedValue.Unsafe(value, name) : null;
        return value switch
        {
            DictValue dict => OfDict(dict, name),
            StringValue text => StringMethods.All.TryGetValue(name, out var method) ? new BoundMethodValue(text, method) : null,
            ListValue list => OfList(list, name),
            NamespaceValue ns => OfNamespace(ns, name),
            LoopValue loop => OfLoop(loop, name),
            IntValue or BoolValue or FloatValue => OfNumber(value, name),
            RangeValue range => OfRange(range, name),
            CyclerValue cycler => OfCycler(cycler, name),
            JoinerValue joiner => name switch { "sep" => joiner.Separator, "used" => BoolValue.Of(joiner.Used), _ => null },
            MacroValue macro => OfMacro(macro, name),
            BytesValue bytes => BytesMethods.All.TryGetValue(name, out var method) ? new BoundMethodValue(bytes, method) : null,
            FunctionValue { Name: "dict" } when name == "fromkeys" => new FunctionValue(DictMethods.FromKeys),
            _ => null,
        };
    }

    private static Value? OfDict(DictValue dict, string name)
    {
        if (DictMethods.All.TryGetValue(name, out var method)) return new BoundMethodValue(dict, method);
        if (name == "fromkeys") return new FunctionValue(DictMethods.FromKeys);
        return UnsafeOfDict.Contains(name) ? UndefinedValue.Unsafe(dict, name) : null;
    }

    private static Value? OfList(ListValue list, string name)
    {
        if (ListMethods.All.TryGetValue(name, out var method) && (name != "copy" || !list.IsTuple)) return new BoundMethodValue(list, method);
        if (list is GroupValue group && name == "grouper") return group.Grouper;
        if (list is GroupValue grouped && name == "list") return grouped.List;
        return !list.IsTuple && UnsafeOfList.Contains(name) ? UndefinedValue.Unsafe(list, name) : null;
    }

    private static Value? OfNamespace(NamespaceValue ns, string name)
    {
        if (!ns.Attributes.TryGet(name, out var value)) return null;
        return name.StartsWith('_') ? UndefinedValue.Unsafe(ns, name) : value;
    }

    private static Value? OfLoop(LoopValue loop, string name) => name switch
    {
        "index" => IntValue.Of(loop.Index0 + 1),
        "index0" => IntValue.Of(loop.Index0),
        "revindex" => IntValue.Of(loop.Length - loop.Index0),
        "revindex0" => IntValue.Of(loop.Length - loop.Index0 - 1),
        "first" => BoolValue.Of(loop.Index0 == 0),
        "last" => BoolValue.Of(loop.IsLast),
        "length" => IntValue.Of(loop.Length),
        "depth" => IntValue.Of(loop.Depth0 + 1),
        "depth0" => IntValue.Of(loop.Depth0),
        "previtem" => loop.Previous,
        "nextitem" => loop.Next,
        "cycle" => new FunctionValue(new Builtin("cycle", (_, a) => loop.Cycle(NoNames("cycle", a)))),
        "changed" => new FunctionValue(new Builtin("changed", (_, a) => BoolValue.Of(loop.HasChanged(NoNames("changed", a))))),
        _ => null,
    };

    private static Value[] NoNames(string function, CallArguments arguments) =>
        arguments.Named.Length == 0 ? arguments.Positional : throw new TemplateRenderException($"{function}() got an unexpected keyword argument '{arguments.Named[0].Key}'");

    private static Value? OfNumber(Value value, string name)
    {
        switch (name)
        {
            case "real": return Operators.Plus(value);
            case "imag": return value is FloatValue ? new FloatValue(0) : IntValue.Of(0);
            case "numerator" when value is not FloatValue: return Operators.Plus(value);
            case "denominator" when value is not FloatValue: return IntValue.Of(1);
        }

        var methods = value is FloatValue ? NumberMethods.OfFloat : NumberMethods.OfInt;
        return methods.TryGetValue(name, out var method) ? new BoundMethodValue(value, method) : null;
    }

    private static Value? OfRange(RangeValue range, string name) => name switch
    {
        "start" => IntValue.Of(range.Start),
        "stop" => IntValue.Of(range.Stop),
        "step" => IntValue.Of(range.Step),
        "count" or "index" => new BoundMethodValue(range, ListMethods.All[name]),
        _ => null,
    };

    private static Value? OfCycler(CyclerValue cycler, string name) => name switch
    {
        "current" => cycler.Current,
        "next" => new FunctionValue(new Builtin("next", "/", (_, _) => cycler.Next())),
        "reset" => new FunctionValue(new Builtin("reset", "/", (_, _) =>
        {
            cycler.Reset();
            return NoneValue.Instance;
        })),
        "items" => new ListValue(cycler.Items, isTuple: true),
        "pos" => IntValue.Of(cycler.Position),
        _ => null,
    };

    private static Value? OfMacro(MacroValue macro, string name) => name switch
    {
        "name" => macro.Name is null ? NoneValue.Instance : StringValue.Template(macro.Name),
        "arguments" => new ListValue([.. macro.Macro.Parameters.Select(StringValue.Template)], isTuple: true),
        "catch_kwargs" => BoolValue.Of(macro.Macro.KwargsSlot >= 0),
        "catch_varargs" => BoolValue.Of(macro.Macro.VarargsSlot >= 0),
        "caller" => BoolValue.Of(macro.Macro.UsesCaller),
        "explicit_caller" => BoolValue.Of(macro.Macro.Parameters.Contains("caller")),
        _ => null,
    };
}
