namespace InferenceHost.Text.ChatTemplates;

/// <summary>A whole template ready to run.</summary>
internal sealed class CompiledTemplate(FunctionScope function, ScopeEntry entry, CompiledStatement[] body, int selfSlot, IReadOnlyDictionary<string, CompiledBlock> blocks)
{
    public IReadOnlyDictionary<string, CompiledBlock> Blocks => blocks;

    public void Run(RenderContext context)
    {
        var frame = new Activation(function.SlotCount, null);
        if (selfSlot >= 0) frame.Slots[selfSlot] = new TemplateReferenceValue(context);
        entry.Run(frame, context);
        CompiledStatement.RunAll(body, frame, context);
    }
}
