namespace InferenceHost.Text.ChatTemplates;

/// <summary>A list or, where <see cref="IsTuple"/>, a tuple. The sandbox forbids every mutating method, so the items never change.</summary>
internal class ListValue(Value[] items, bool isTuple = false, TextOrigin origin = TextOrigin.Template) : Value
{
    public Value[] Items => items;

    public bool IsTuple => isTuple;

    public override TextOrigin Origin => origin;

    public override string TypeName => isTuple ? "tuple" : "list";

    public override bool Truthy => items.Length > 0;

    public static ListValue Tuple(params Value[] items) => new(items, isTuple: true);
}
