namespace InferenceHost.Text.ChatTemplates;

/// <summary>A generator or iterator: lazy, always true, without length, consumed once.</summary>
internal sealed class IteratorValue(string typeName, IEnumerable<Value> source) : Value
{
    private IEnumerator<Value>? _enumerator;

    public override string TypeName => typeName;

    public bool TryNext(out Value value)
    {
        // An iterator over an iterator over an iterator …: each one is a level of the stack.
        Budget.Current?.Enter();
        _enumerator ??= source.GetEnumerator();
        var more = _enumerator.MoveNext();
        Budget.Current?.Leave();
        value = more ? _enumerator.Current : NoneValue.Instance;
        return more;
    }

    public IEnumerable<Value> Rest()
    {
        while (TryNext(out var value)) yield return value;
    }
}
