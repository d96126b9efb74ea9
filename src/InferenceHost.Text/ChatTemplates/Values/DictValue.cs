namespace InferenceHost.Text.ChatTemplates;

/// <summary>Python's dict: insertion order, keys of any hashable type, <c>1</c>, <c>1.0</c> and <c>true</c> one key. Filled by its maker, then never changed.</summary>
internal sealed class DictValue(TextOrigin origin = TextOrigin.Template) : Value
{
    // Below this size a scan beats hashing.
    private const int ScanLimit = 8;

    private readonly List<KeyValuePair<Value, Value>> _entries = [];
    private Dictionary<Value, int>? _index;

    public int Count => _entries.Count;

    public List<KeyValuePair<Value, Value>> Entries => _entries;

    public override TextOrigin Origin => origin;

    public override string TypeName => "dict";

    public override bool Truthy => _entries.Count > 0;

    /// <summary>Adds an entry; a key that is there keeps its place and gets the new value.</summary>
    public void Set(Value key, Value value)
    {
        var at = Find(key);
        if (at >= 0)
        {
            _entries[at] = new(_entries[at].Key, value);
            return;
        }

        _entries.Add(new(key, value));
        if (_index is not null)
        {
            _index.Add(key, _entries.Count - 1);
        }
        else if (_entries.Count > ScanLimit)
        {
            _index = new Dictionary<Value, int>(ValueComparer.Instance);
            for (var i = 0; i < _entries.Count; i++) _index.Add(_entries[i].Key, i);
        }
    }

    /// <exception cref="TemplateRenderException">The key is not hashable.</exception>
    public bool TryGet(Value key, out Value value)
    {
        var at = Find(key);
        value = at >= 0 ? _entries[at].Value : NoneValue.Instance;
        return at >= 0;
    }

    public bool TryGet(string key, out Value value)
    {
        if (_index is not null) return TryGet(StringValue.Template(key), out value);
        foreach (var entry in _entries)
        {
            if (entry.Key is StringValue s && s.Text == key)
            {
                value = entry.Value;
                return true;
            }
        }

        value = NoneValue.Instance;
        return false;
    }

    private int Find(Value key)
    {
        if (_index is not null) return _index.TryGetValue(key, out var at) ? at : -1;
        if (!ValueComparer.IsHashable(key)) throw ValueComparer.Unhashable(key);
        for (var i = 0; i < _entries.Count; i++)
        {
            if (ValueComparer.Instance.Equals(_entries[i].Key, key)) return i;
        }

        return -1;
    }
}
