namespace InferenceHost.Text.ChatTemplates;

/// <summary>The <c>self</c> of a template: its blocks can be called.</summary>
internal sealed class TemplateReferenceValue(RenderContext context) : Value
{
    public override string TypeName => "TemplateReference";

    public Value? Find(string name) => context.Blocks.TryGetValue(name, out var block)
        ? new FunctionValue(new Builtin(name, (c, _) => c.Capture(() => block.Run(c))))
        : null;
}
