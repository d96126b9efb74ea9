namespace InferenceHost.Text.ChatTemplates;

/// <summary><c>joiner(sep)</c>: nothing at the first call, the separator afterwards.</summary>
internal sealed class JoinerValue(Value separator) : CallableValue
{
    private bool _used;

    public override string TypeName => "Joiner";

    public Value Separator => separator;

    public bool Used => _used;

    public override Value Call(RenderContext context, CallArguments arguments)
    {
        if (arguments.Positional.Length + arguments.Named.Length > 0) throw new TemplateRenderException("joiner() takes no arguments when it is called");
        if (_used) return separator;
        _used = true;
        return StringValue.Empty;
    }
}
