namespace InferenceHost.Text.ChatTemplates;

/// <summary>The left side of an assignment.</summary>
internal abstract class CompiledTarget
{
    public abstract void Assign(Activation frame, RenderContext context, Value value);

    /// <summary>What was assigned, read back from the variables.</summary>
    public abstract Value Read(Activation frame);

    /// <summary>Fails early where an attribute of something else than a namespace would be set.</summary>
    public virtual void Check(Activation frame, RenderContext context)
    {
    }
}

internal sealed class NameTarget(int slot) : CompiledTarget
{
    public override void Assign(Activation frame, RenderContext context, Value value) => frame.Slots[slot] = value;

    public override Value Read(Activation frame) => frame.Slots[slot] ?? NoneValue.Instance;
}

internal sealed class NamespaceTarget(CompiledExpression variable, string attribute) : CompiledTarget
{
    public override void Assign(Activation frame, RenderContext context, Value value) => Find(frame, context).Set(attribute, value);

    public override Value Read(Activation frame) => NoneValue.Instance;

    public override void Check(Activation frame, RenderContext context) => Find(frame, context);

    private NamespaceValue Find(Activation frame, RenderContext context) => variable.Evaluate(frame, context) as NamespaceValue
        ?? throw new TemplateRenderException("cannot assign attribute on non-namespace object");
}

internal sealed class TupleTarget(CompiledTarget[] targets) : CompiledTarget
{
    public override void Assign(Activation frame, RenderContext context, Value value)
    {
        if (value is ListValue list && list.Items.Length == targets.Length)
        {
            for (var i = 0; i < targets.Length; i++) targets[i].Assign(frame, context, list.Items[i]);
            return;
        }

        if (!Sequences.IsIterable(value)) throw new TemplateRenderException($"cannot unpack non-iterable {value.TypeName} object");
        var items = new List<Value>(targets.Length);
        foreach (var item in Sequences.Iterate(value, context))
        {
            if (items.Count == targets.Length) throw new TemplateRenderException($"too many values to unpack (expected {targets.Length})");
            items.Add(item);
        }

        if (items.Count < targets.Length) throw new TemplateRenderException($"not enough values to unpack (expected {targets.Length}, got {items.Count})");
        for (var i = 0; i < targets.Length; i++) targets[i].Assign(frame, context, items[i]);
    }

    public override Value Read(Activation frame) => new ListValue([.. targets.Select(t => t.Read(frame))], isTuple: true);

    public override void Check(Activation frame, RenderContext context)
    {
        foreach (var target in targets) target.Check(frame, context);
    }
}
