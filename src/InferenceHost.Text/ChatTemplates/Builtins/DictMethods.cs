using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Methods of dicts that do not change them.</summary>
internal static class DictMethods
{
    public static readonly Builtin FromKeys = new("fromkeys", "/keys value=", (context, a) =>
    {
        var dict = new DictValue();
        foreach (var key in Sequences.Iterate(a[0]!, context))
        {
            context.Budget.Items(1);
            dict.Set(key, a[1] ?? NoneValue.Instance);
        }

        return dict;
    });

    public static readonly FrozenDictionary<string, Builtin> All = new Table()
        .Add("get", "/self key default=", (_, a) => Self(a).TryGet(a[1]!, out var value) ? value : a[2] ?? NoneValue.Instance)
        .Add("keys", "/self", (_, a) => new DictViewValue(Self(a), DictViewKind.Keys))
        .Add("values", "/self", (_, a) => new DictViewValue(Self(a), DictViewKind.Values))
        .Add("items", "/self", (_, a) => new DictViewValue(Self(a), DictViewKind.Items))
        .Add("copy", "/self", (_, a) => a[0]!)
        .Freeze();

    private static DictValue Self(Value?[] arguments) => (DictValue)arguments[0]!;
}
