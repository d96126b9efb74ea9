namespace InferenceHost.Text.ChatTemplates;

/// <summary>A generator or iterator: lazy, always true, without length, consumed once.</summary>
internal sealed class IteratorValue(string typeName, IEnumerable<Value> source) : Value
{
    private IEnumerator<Value>? _enumerator;

    public override string TypeName => typeName;

    public bool TryNext(out Value value)
    {
        _enumerator ??= source.GetEnumerator();
        if (_enumerator.MoveNext())
        {
            value = _enumerator.Current;
            return true;
        }

        value = NoneValue.Instance;
        return false;
    }

    public IEnumerable<Value> Rest()
    {
        while (TryNext(out var value)) yield return value;
    }
}
