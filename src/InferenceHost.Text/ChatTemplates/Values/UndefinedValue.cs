namespace InferenceHost.Text.ChatTemplates;

/// <summary>The result of a failed look-up: prints as nothing, iterates as empty, is false, and fails on everything else with <see cref="Message"/>.</summary>
internal sealed class UndefinedValue(Func<string> message) : Value
{
    public override string TypeName => "Undefined";

    public override bool Truthy => false;

    public string Message => message();

    public static UndefinedValue Name(string name) => new(() => $"'{name}' is undefined");

    public static UndefinedValue Because(string hint) => new(() => hint);

    public static UndefinedValue Attribute(Value owner, string name) =>
        new(() => owner is NoneValue ? $"'None' has no attribute '{name}'" : $"'{owner.TypeName} object' has no attribute '{name}'");

    public static UndefinedValue Element(Value owner, Value key) => key is StringValue name
        ? Attribute(owner, name.Text)
        : new(() => $"{owner.TypeName} object has no element {(key is IntValue { IsSmall: true } i ? i.Small.ToString(System.Globalization.CultureInfo.InvariantCulture) : "of type " + key.TypeName)}");

    public static UndefinedValue Unsafe(Value owner, string name) => new(() => $"access to attribute '{name}' of '{owner.TypeName}' object is unsafe.");

    public TemplateRenderException Error() => new(Message);
}
