using System.Collections.Frozen;

namespace InferenceHost.Text.ChatTemplates;

/// <summary>Collects built-ins under their names.</summary>
internal sealed class Table
{
    private readonly Dictionary<string, Builtin> _entries = new(StringComparer.Ordinal);

    public Table Add(string name, string parameters, BuiltinBody body)
    {
        _entries.Add(name, new Builtin(name, parameters, body));
        return this;
    }

    public Table Add(string name, VariadicBody body)
    {
        _entries.Add(name, new Builtin(name, body));
        return this;
    }

    public Table Alias(string name, string of)
    {
        _entries.Add(name, _entries[of]);
        return this;
    }

    public Table Include(Table other)
    {
        foreach (var (name, builtin) in other._entries) _entries.Add(name, builtin);
        return this;
    }

    public FrozenDictionary<string, Builtin> Freeze() => _entries.ToFrozenDictionary(StringComparer.Ordinal);
}
