namespace InferenceHost.Text.ChatTemplates;

/// <summary>An expression ready to evaluate; immutable and shared by all renders.</summary>
internal abstract class CompiledExpression
{
    public abstract Value Evaluate(Activation frame, RenderContext context);
}
