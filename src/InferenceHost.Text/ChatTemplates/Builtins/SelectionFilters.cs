namespace InferenceHost.Text.ChatTemplates;

/// <summary>Filters that apply another filter or a test to every element, lazily.</summary>
internal static class SelectionFilters
{
    public static readonly Table Table = new Table()
        .Add("map", (c, a) => new IteratorValue("generator", Map(c, a)))
        .Add("select", (c, a) => new IteratorValue("generator", Select(c, a, keep: true, byAttribute: false)))
        .Add("reject", (c, a) => new IteratorValue("generator", Select(c, a, keep: false, byAttribute: false)))
        .Add("selectattr", (c, a) => new IteratorValue("generator", Select(c, a, keep: true, byAttribute: true)))
        .Add("rejectattr", (c, a) => new IteratorValue("generator", Select(c, a, keep: false, byAttribute: true)));

    private static IEnumerable<Value> Map(RenderContext context, CallArguments arguments)
    {
        var value = arguments.Positional[0];
        if (!value.Truthy) yield break;
        var apply = Mapping(context, arguments.Skip(1));
        foreach (var item in Sequences.Iterate(value, context))
        {
            context.Budget.Step();
            yield return apply(item);
        }
    }

    private static Func<Value, Value> Mapping(RenderContext context, CallArguments arguments)
    {
        if (arguments.Positional.Length == 0 && arguments.TryGetNamed("attribute", out var attribute))
        {
            foreach (var (name, _) in arguments.Named)
            {
                if (name is not ("attribute" or "default")) throw new TemplateRenderException($"Unexpected keyword argument '{name}'");
            }

            return Filters.Getter(attribute, context, arguments.TryGetNamed("default", out var fallback) ? fallback : null);
        }

        if (arguments.Positional.Length == 0) throw new TemplateRenderException("map requires a filter argument");
        var filter = Find(Filters.All, arguments.Positional[0], "filter");
        var rest = arguments.Skip(1);
        return item => filter.Call(context, rest.Prepend(item));
    }

    private static IEnumerable<Value> Select(RenderContext context, CallArguments arguments, bool keep, bool byAttribute)
    {
        var value = arguments.Positional[0];
        if (!value.Truthy) yield break;
        var rest = arguments.Skip(1);
        Func<Value, Value> transform = v => v;
        if (byAttribute)
        {
            if (rest.Positional.Length == 0) throw new TemplateRenderException("Missing parameter for attribute name");
            transform = Filters.Getter(rest.Positional[0], context);
            rest = rest.Skip(1);
        }

        Func<Value, bool> test = v => v.Truthy;
        if (rest.Positional.Length > 0)
        {
            var builtin = Find(Tests.All, rest.Positional[0], "test");
            var more = rest.Skip(1);
            test = item => builtin.Call(context, more.Prepend(item)).Truthy;
        }

        foreach (var item in Sequences.Iterate(value, context))
        {
            context.Budget.Step();
            if (test(transform(item)) == keep) yield return item;
        }
    }

    private static Builtin Find(IReadOnlyDictionary<string, Builtin> table, Value name, string kind) =>
        name is StringValue text && table.TryGetValue(text.Text, out var builtin)
            ? builtin
            : throw new TemplateRenderException($"No {kind} named '{(name as StringValue)?.Text ?? name.TypeName}' found.");
}
