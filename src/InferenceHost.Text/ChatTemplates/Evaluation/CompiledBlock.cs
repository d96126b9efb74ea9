namespace InferenceHost.Text.ChatTemplates;

/// <summary>A named block: a function that sees the template's exported variables only.</summary>
internal sealed class CompiledBlock(FunctionScope function, int selfSlot, int superSlot, string name)
{
    public ScopeEntry Entry { get; set; } = ScopeEntry.Empty;

    public CompiledStatement[] Body { get; set; } = [];

    public void Run(RenderContext context)
    {
        var frame = new Activation(function.SlotCount, null);
        if (selfSlot >= 0) frame.Slots[selfSlot] = new TemplateReferenceValue(context);
        if (superSlot >= 0) frame.Slots[superSlot] = UndefinedValue.Because($"there is no parent block called '{name}'.");
        Entry.Run(frame, context);
        CompiledStatement.RunAll(Body, frame, context);
    }
}
