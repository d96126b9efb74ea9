namespace InferenceHost.Text.ChatTemplates;

/// <summary>A macro or the body of a call block.</summary>
internal sealed class CompiledMacro
{
    public required string? Name { get; init; }

    public required string[] Parameters { get; init; }

    public required int[] ParameterSlots { get; init; }

    /// <summary>Defaults, aligned with the parameters; null where there is none.</summary>
    public required CompiledExpression?[] Defaults { get; init; }

    /// <summary>Slots of the special variables, or -1 where the body does not use them.</summary>
    public required int CallerSlot { get; init; }

    public required int KwargsSlot { get; init; }

    public required int VarargsSlot { get; init; }

    public required bool UsesCaller { get; init; }

    public required FunctionScope Function { get; init; }

    public required ScopeEntry Entry { get; init; }

    public required CompiledStatement[] Body { get; init; }

    public Value Invoke(RenderContext context, Activation definedIn, CallArguments arguments)
    {
        context.Budget.Step();
        var frame = new Activation(Function.SlotCount, definedIn);
        Bind(frame, arguments);
        Entry.Run(frame, context);
        for (var i = 0; i < Parameters.Length; i++)
        {
            frame.Slots[ParameterSlots[i]] ??= Defaults[i] is { } expression
                ? expression.Evaluate(frame, context)
                : UndefinedValue.Because($"parameter '{Parameters[i]}' was not provided");
        }

        return context.Capture(() => CompiledStatement.RunAll(Body, frame, context));
    }

    private void Bind(Activation frame, CallArguments arguments)
    {
        var positional = arguments.Positional;
        var given = Math.Min(positional.Length, Parameters.Length);
        for (var i = 0; i < given; i++) frame.Slots[ParameterSlots[i]] = positional[i];

        var rest = arguments.Named.Length == 0 ? null : new List<KeyValuePair<string, Value>>(arguments.Named);
        var foundCaller = given == Parameters.Length && Array.IndexOf(Parameters, "caller") >= 0;
        for (var i = given; i < Parameters.Length; i++)
        {
            if (Parameters[i] == "caller") foundCaller = true;
            frame.Slots[ParameterSlots[i]] = Take(rest, Parameters[i]);
        }

        if (UsesCaller && !foundCaller && Take(rest, "caller") is var caller)
        {
            frame.Slots[CallerSlot] = caller is null or NoneValue ? UndefinedValue.Because("No caller defined") : caller;
        }

        if (KwargsSlot >= 0) frame.Slots[KwargsSlot] = ToDict(rest);
        else if (rest is { Count: > 0 }) throw new TemplateRenderException($"macro '{Name}' takes no keyword argument '{rest[0].Key}'");

        if (VarargsSlot >= 0) frame.Slots[VarargsSlot] = new ListValue(positional[given..], isTuple: true);
        else if (positional.Length > Parameters.Length) throw new TemplateRenderException($"macro '{Name}' takes not more than {Parameters.Length} argument(s)");
    }

    private static Value? Take(List<KeyValuePair<string, Value>>? named, string name)
    {
        var at = named?.FindIndex(n => n.Key == name) ?? -1;
        if (at < 0) return null;
        var value = named![at].Value;
        named.RemoveAt(at);
        return value;
    }

    private static DictValue ToDict(List<KeyValuePair<string, Value>>? named)
    {
        var dict = new DictValue();
        foreach (var (name, value) in named ?? []) dict.Set(StringValue.Template(name), value);
        return dict;
    }
}
