namespace InferenceHost.Text.ChatTemplates;

/// <summary>A for statement.</summary>
internal sealed class ForStatement : CompiledStatement
{
    public required CompiledExpression Iterable { get; init; }

    public required CompiledTarget Target { get; init; }

    /// <summary>Slot of <c>loop</c>, or -1 where the body does not use it.</summary>
    public required int LoopSlot { get; init; }

    public required ScopeEntry Entry { get; init; }

    public required CompiledStatement[] Body { get; init; }

    public required ScopeEntry ElseEntry { get; init; }

    public required CompiledStatement[] Else { get; init; }

    public required LoopFilter? Filter { get; init; }

    /// <summary>The function of a recursive loop, else null.</summary>
    public required FunctionScope? Recursive { get; init; }

    public required int Position { get; init; }

    public override Flow Run(Activation frame, RenderContext context)
    {
        var source = Iterable.Evaluate(frame, context);
        context.Position = Position;
        if (Recursive is null) return Iterate(source, frame, context, null, 0);
        context.Write(Recurse(source, 0, frame, context));
        return Flow.Next;
    }

    private StringValue Recurse(Value source, int depth, Activation outer, RenderContext context)
    {
        var frame = new Activation(Recursive!.SlotCount, outer);
        return context.Capture(() => Iterate(source, frame, context, (inner, level) => Recurse(inner, level, outer, context), depth));
    }

    private Flow Iterate(Value source, Activation frame, RenderContext context, Func<Value, int, Value>? recurse, int depth)
    {
        if (Filter is not null) source = Filter.Apply(source, frame, context);
        if (!Sequences.IsIterable(source)) throw Sequences.NotIterable(source);
        var any = false;
        var flow = LoopSlot >= 0 ? IterateWithLoop(new LoopValue(source, context, recurse, depth), frame, context, ref any) : IteratePlain(source, frame, context, ref any);
        // Like Python's flag, this is only set at the end of an iteration that was neither broken off nor continued.
        if (any || Else.Length == 0) return flow;
        ElseEntry.Run(frame, context);
        return RunAll(Else, frame, context);
    }

    private Flow IterateWithLoop(LoopValue loop, Activation frame, RenderContext context, ref bool any)
    {
        while (loop.MoveNext(out var item))
        {
            Target.Assign(frame, context, item);
            frame.Slots[LoopSlot] = loop;
            if (!RunBody(frame, context, ref any)) break;
        }

        return Flow.Next;
    }

    private Flow IteratePlain(Value source, Activation frame, RenderContext context, ref bool any)
    {
        foreach (var item in Sequences.Iterate(source, context))
        {
            Target.Assign(frame, context, item);
            if (!RunBody(frame, context, ref any)) break;
        }

        return Flow.Next;
    }

    private bool RunBody(Activation frame, RenderContext context, ref bool any)
    {
        context.Budget.Step();
        Entry.Run(frame, context);
        var flow = RunAll(Body, frame, context);
        if (flow == Flow.Next) any = true;
        return flow != Flow.Break;
    }
}
