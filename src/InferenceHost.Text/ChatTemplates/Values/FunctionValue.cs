namespace InferenceHost.Text.ChatTemplates;

/// <summary>A built-in function such as <c>range</c>.</summary>
internal sealed class FunctionValue(Builtin function) : CallableValue
{
    public override string TypeName => "function";

    public string Name => function.Name;

    public override Value Call(RenderContext context, CallArguments arguments) => function.Call(context, arguments);
}
