namespace InferenceHost.Text.ChatTemplates;

/// <summary>A method together with the value it was taken from.</summary>
internal sealed class BoundMethodValue(Value owner, Builtin method) : CallableValue
{
    public string Name => method.Name;

    public override string TypeName => "builtin_function_or_method";

    public bool IsSame(BoundMethodValue other) => ReferenceEquals(Owner, other.Owner) && Name == other.Name;

    private Value Owner => owner;

    public override Value Call(RenderContext context, CallArguments arguments) => method.Call(context, arguments.Prepend(owner));
}
