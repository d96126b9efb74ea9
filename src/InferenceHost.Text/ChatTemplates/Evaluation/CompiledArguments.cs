namespace InferenceHost.Text.ChatTemplates;

/// <summary>The arguments of a call, filter or test.</summary>
internal sealed class CompiledArguments(
    CompiledExpression[] positional,
    (string Name, CompiledExpression Value)[] named,
    CompiledExpression? star,
    CompiledExpression? starStar)
{
    public CallArguments Evaluate(Activation frame, RenderContext context, Value? caller)
    {
        if (positional.Length == 0 && named.Length == 0 && star is null && starStar is null && caller is null) return CallArguments.None;
        var values = positional.Length == 0 ? [] : new Value[positional.Length];
        for (var i = 0; i < values.Length; i++) values[i] = positional[i].Evaluate(frame, context);
        if (named.Length == 0 && star is null && starStar is null && caller is null) return new CallArguments(values, []);

        var names = new List<KeyValuePair<string, Value>>(named.Length + 1);
        foreach (var (name, value) in named) names.Add(new(name, value.Evaluate(frame, context)));
        if (caller is not null) Add(names, "caller", caller);
        if (star is not null)
        {
            var more = star.Evaluate(frame, context);
            if (!Sequences.IsIterable(more)) throw new TemplateRenderException($"argument after * must be an iterable, not {more.TypeName}");
            values = [.. values, .. Sequences.ToArray(more, context)];
        }

        if (starStar is not null) AddMapping(names, starStar.Evaluate(frame, context), context);
        return new CallArguments(values, [.. names]);
    }

    private static void AddMapping(List<KeyValuePair<string, Value>> names, Value mapping, RenderContext context)
    {
        if (mapping is not DictValue dict) throw new TemplateRenderException($"argument after ** must be a mapping, not {mapping.TypeName}");
        context.Budget.Items(dict.Count);
        foreach (var entry in dict.Entries)
        {
            if (entry.Key is not StringValue key) throw new TemplateRenderException("keywords must be strings");
            Add(names, key.Text, entry.Value);
        }
    }

    private static void Add(List<KeyValuePair<string, Value>> names, string name, Value value)
    {
        foreach (var pair in names)
        {
            if (pair.Key == name) throw new TemplateRenderException($"got multiple values for keyword argument '{name}'");
        }

        names.Add(new(name, value));
    }
}
