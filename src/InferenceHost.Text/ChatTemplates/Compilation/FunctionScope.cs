namespace InferenceHost.Text.ChatTemplates;

/// <summary>The variables of one activation: the template, a macro, a call block, a recursive loop, a loop filter or a block.</summary>
internal sealed class FunctionScope(FunctionScope? parent)
{
    private readonly Dictionary<string, int> _slots = [];

    public FunctionScope? Parent => parent;

    public int SlotCount => _slots.Count;

    public int SlotOf(string identifier)
    {
        if (!_slots.TryGetValue(identifier, out var slot)) _slots.Add(identifier, slot = _slots.Count);
        return slot;
    }

    /// <summary>How many activations up <paramref name="outer"/> is.</summary>
    public int HopsTo(FunctionScope outer)
    {
        var hops = 0;
        for (var scope = this; scope != outer; scope = scope.Parent ?? throw new InvalidOperationException("variable of an unrelated scope")) hops++;
        return hops;
    }
}
