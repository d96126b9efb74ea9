namespace InferenceHost.Text.ChatTemplates;

/// <summary>Anything a template can call.</summary>
internal abstract class CallableValue : Value
{
    public abstract Value Call(RenderContext context, CallArguments arguments);
}
