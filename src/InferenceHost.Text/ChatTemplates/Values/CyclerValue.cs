namespace InferenceHost.Text.ChatTemplates;

/// <summary><c>cycler(…)</c>: mutable.</summary>
internal sealed class CyclerValue(Value[] items) : Value
{
    private int _position;

    public override string TypeName => "Cycler";

    public Value[] Items => items;

    public int Position => _position;

    public Value Current => items[_position];

    public Value Next()
    {
        var current = Current;
        _position = (_position + 1) % items.Length;
        return current;
    }

    public void Reset() => _position = 0;
}
