namespace InferenceHost.Text.ChatTemplates;

/// <summary>A macro, or the body of a call block, bound to the frame it was defined in.</summary>
internal sealed class MacroValue(CompiledMacro macro, Activation definedIn) : CallableValue
{
    public override string TypeName => "Macro";

    public string? Name => macro.Name;

    public CompiledMacro Macro => macro;

    public override Value Call(RenderContext context, CallArguments arguments) => macro.Invoke(context, definedIn, arguments);
}
