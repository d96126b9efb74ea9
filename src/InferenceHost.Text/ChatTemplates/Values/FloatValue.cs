namespace InferenceHost.Text.ChatTemplates;

internal sealed class FloatValue(double value, TextOrigin origin = TextOrigin.Template) : Value
{
    public double Value => value;

    public override TextOrigin Origin => origin;

    public override string TypeName => "float";

    public override bool Truthy => value != 0;
}
