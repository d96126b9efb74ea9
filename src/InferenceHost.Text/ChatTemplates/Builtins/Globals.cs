using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>The functions every template can call: Jinja's and those that transformers adds.</summary>
internal static class Globals
{
    public static readonly FrozenDictionary<string, Value> All = new[]
    {
        new Builtin("range", "/start stop= step=", Range),
        new Builtin("dict", MakeDict),
        new Builtin("namespace", (context, arguments) => new NamespaceValue(MakeDict(context, arguments))),
        new Builtin("cycler", (_, arguments) => arguments.Named.Length > 0 ? throw new TemplateRenderException("cycler() takes no keyword arguments")
            : arguments.Positional.Length == 0 ? throw new TemplateRenderException("at least one item has to be provided") : new CyclerValue(arguments.Positional)),
        new Builtin("joiner", "sep=", (_, a) => new JoinerValue(a[0] ?? StringValue.Template(", "))),
        new Builtin("lipsum", (_, _) => throw new TemplateRenderException("lipsum() makes random text and is not available in chat templates")),
        new Builtin("raise_exception", "message", (context, a) => throw new TemplateRenderException(ValueText.Str(a[0]!, context.Budget).Text)),
        new Builtin("strftime_now", "format", (context, a) => Strftime.Format(context.Now, Args.Text(a[0], "format"), context.Budget)),
    }.ToFrozenDictionary(f => f.Name, f => (Value)new FunctionValue(f), StringComparer.Ordinal);

    private static RangeValue Range(RenderContext context, Value?[] a)
    {
        var bounds = new long[3];
        for (var i = 0; i < 3; i++)
        {
            if (a[i] is UndefinedValue u) throw u.Error();
            if (a[i] is null) continue;
            if (!Numbers.TryInt(a[i]!, out var value)) throw new TemplateRenderException($"'{a[i]!.TypeName}' object cannot be interpreted as an integer");
            if (!value.IsSmall) throw TooLong(context);
            bounds[i] = value.Small;
        }

        var (start, stop, step) = a[1] is null ? (0, bounds[0], 1) : (bounds[0], bounds[1], a[2] is null ? 1 : bounds[2]);
        if (step == 0) throw new TemplateRenderException("range() arg 3 must not be zero");
        return RangeValue.CountOf(start, stop, step) > context.Limits.MaxRangeLength ? throw TooLong(context) : new RangeValue(start, stop, step);
    }

    private static TemplateLimitException TooLong(RenderContext context) => new($"Range too big. The sandbox blocks ranges larger than {context.Limits.MaxRangeLength}.");

    private static DictValue MakeDict(RenderContext context, CallArguments arguments)
    {
        if (arguments.Positional.Length > 1) throw new TemplateRenderException($"dict expected at most 1 argument, got {arguments.Positional.Length}");
        var dict = new DictValue();
        if (arguments.Positional.Length == 1) Fill(dict, arguments.Positional[0], context);
        context.Budget.Items(arguments.Named.Length);
        foreach (var (name, value) in arguments.Named) dict.Set(StringValue.Template(name), value);
        return dict;
    }

    private static void Fill(DictValue dict, Value source, RenderContext context)
    {
        if (source is DictValue other)
        {
            context.Budget.Items(other.Count);
            foreach (var entry in other.Entries) dict.Set(entry.Key, entry.Value);
            return;
        }

        foreach (var item in Sequences.Iterate(source, context))
        {
            context.Budget.Items(2);
            if (!Sequences.IsIterable(item)) throw new TemplateRenderException($"cannot convert dictionary update sequence element of type {item.TypeName} to a sequence");
            var pair = Sequences.ToArray(item, context);
            if (pair.Length != 2) throw new TemplateRenderException($"dictionary update sequence element has length {pair.Length}; 2 is required");
            dict.Set(pair[0], pair[1]);
        }
    }
}
