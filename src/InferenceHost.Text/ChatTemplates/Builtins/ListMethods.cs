using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Methods of lists and tuples that do not change them.</summary>
internal static class ListMethods
{
    public static readonly FrozenDictionary<string, Builtin> All = new Table()
        .Add("count", "/self value", (context, a) => IntValue.Of(Sequences.Iterate(a[0]!, context).Count(i => Matches(i, a[1]!, context))))
        .Add("index", "/self value start= stop=", Index)
        .Add("copy", "/self", (_, a) => a[0]!)
        .Freeze();

    private static bool Matches(Value item, Value wanted, RenderContext context)
    {
        context.Budget.Step();
        return ValueComparer.Instance.Equals(item, wanted);
    }

    private static IntValue Index(RenderContext context, Value?[] a)
    {
        var items = Sequences.ToArray(a[0]!, context);
        var start = Args.Int(a[2], 0);
        var stop = Args.Int(a[3], items.Length);
        if (start < 0) start = Math.Max(0, start + items.Length);
        if (stop < 0) stop += items.Length;
        for (var i = start; i < Math.Min(stop, items.Length); i++)
        {
            if (Matches(items[i], a[1]!, context)) return IntValue.Of(i);
        }

        throw new TemplateRenderException($"{a[0]!.TypeName}.index(x): x not in {a[0]!.TypeName}");
    }
}
