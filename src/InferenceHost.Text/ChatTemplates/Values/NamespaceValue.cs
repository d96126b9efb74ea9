namespace InferenceHost.Text.ChatTemplates;

/// <summary>The one value a template can change: <c>namespace()</c>.</summary>
internal sealed class NamespaceValue(DictValue attributes) : Value
{
    public DictValue Attributes => attributes;

    public override string TypeName => "Namespace";

    public void Set(string name, Value value) => attributes.Set(StringValue.Template(name), value);
}
