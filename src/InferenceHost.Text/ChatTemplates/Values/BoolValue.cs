namespace InferenceHost.Text.ChatTemplates;

internal sealed class BoolValue : Value
{
    public static readonly BoolValue True = new(true, TextOrigin.Template);
    public static readonly BoolValue False = new(false, TextOrigin.Template);
    private static readonly BoolValue MessageTrue = new(true, TextOrigin.Message);
    private static readonly BoolValue MessageFalse = new(false, TextOrigin.Message);

    private BoolValue(bool value, TextOrigin origin)
    {
        Value = value;
        Origin = origin;
    }

    public bool Value { get; }

    public override TextOrigin Origin { get; }

    public override string TypeName => "bool";

    public override bool Truthy => Value;

    public static BoolValue Of(bool value) => value ? True : False;

    public static BoolValue Of(bool value, TextOrigin origin) =>
        origin == TextOrigin.Template ? Of(value) : value ? MessageTrue : MessageFalse;
}
