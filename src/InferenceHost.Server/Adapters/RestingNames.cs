namespace InferenceHost.Server.Adapters;

/// <summary>
/// What names point to where another base model is served than now: kept for the day theirs is. A name may have several, the latest first. Guarded by its <see cref="AdapterStore"/>.
/// </summary>
internal sealed class RestingNames
{
    private readonly Dictionary<string, List<string>> _generations = new(StringComparer.Ordinal);

    /// <summary>A copy: all names with the hashes of their generations.</summary>
    public Dictionary<string, string[]> All => _generations.ToDictionary(entry => entry.Key, entry => entry.Value.ToArray(), StringComparer.Ordinal);

    /// <summary>Whether a name rests on a generation.</summary>
    public bool Has(string sha256) => _generations.Values.Any(generations => generations.Contains(sha256));

    /// <summary>Lays a name's generation to rest, before its others.</summary>
    public void Add(string name, string sha256)
    {
        Remove(name, sha256);
        if (!_generations.TryGetValue(name, out var generations))
            _generations.Add(name, generations = []);
        generations.Insert(0, sha256);
    }

    /// <summary>A name's generation is served again.</summary>
    public void Remove(string name, string sha256)
    {
        if (_generations.TryGetValue(name, out var generations) && generations.Remove(sha256) && generations.Count == 0)
            _generations.Remove(name);
    }

    /// <summary>Forgets a name; gives what it rested on.</summary>
    public IReadOnlyList<string> Remove(string name) => _generations.Remove(name, out var generations) ? generations : [];
}
