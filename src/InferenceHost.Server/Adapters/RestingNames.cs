namespace InferenceHost.Server.Adapters;

/// <summary>What names point to where another base model is served than now: kept for the day theirs is. A name may have several, the latest first.</summary>
internal sealed class RestingNames
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<string>> _generations = new(StringComparer.Ordinal);

    /// <summary>All names with the hashes of their generations.</summary>
    public Dictionary<string, string[]> All
    {
        get
        {
            lock (_gate)
                return _generations.ToDictionary(entry => entry.Key, entry => entry.Value.ToArray(), StringComparer.Ordinal);
        }
    }

    /// <summary>Whether a name rests on a generation.</summary>
    public bool Has(string sha256)
    {
        lock (_gate)
            return _generations.Values.Any(generations => generations.Contains(sha256));
    }

    /// <summary>Lays a name's generation to rest, before its others.</summary>
    public void Add(string name, string sha256)
    {
        lock (_gate)
        {
            RemoveLocked(name, sha256);
            if (!_generations.TryGetValue(name, out var generations))
                _generations.Add(name, generations = []);
            generations.Insert(0, sha256);
        }
    }

    /// <summary>A name's generation is served again.</summary>
    public void Remove(string name, string sha256)
    {
        lock (_gate)
            RemoveLocked(name, sha256);
    }

    private void RemoveLocked(string name, string sha256)
    {
        if (_generations.TryGetValue(name, out var generations) && generations.Remove(sha256) && generations.Count == 0)
            _generations.Remove(name);
    }
}
