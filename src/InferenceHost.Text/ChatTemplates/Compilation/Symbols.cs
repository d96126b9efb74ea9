namespace InferenceHost.Text.ChatTemplates;

/// <summary>How a variable gets its value when its scope is entered.</summary>
internal enum LoadKind
{
    Parameter,
    Resolve,
    Alias,
    Undefined,
}

/// <summary>A variable: its function and its name there, unique per nesting level.</summary>
internal readonly record struct VariableRef(FunctionScope Function, string Identifier);

internal readonly record struct VariableLoad(VariableRef Target, LoadKind Kind, VariableRef Source);

/// <summary>
/// The names of one scope, after Jinja's rules: a scope that assigns a name has a variable of its own, which starts as a copy of the outer one;
/// a name that is only read refers to the nearest scope that has it, else to the values of the caller.
/// </summary>
internal sealed class Symbols
{
    private readonly Symbols? _parent;
    private readonly FunctionScope _function;
    private readonly int _level;
    private readonly Dictionary<string, VariableRef> _refs = [];
    private readonly Dictionary<string, VariableLoad> _loads = [];
    private readonly HashSet<string> _stores = [];

    public Symbols(Symbols? parent, FunctionScope function)
    {
        _parent = parent;
        _function = function;
        _level = parent is null ? 0 : parent._level + 1;
    }

    private Symbols(Symbols original)
    {
        _parent = original._parent;
        _function = original._function;
        _level = original._level;
        _refs = new(original._refs);
        _loads = new(original._loads);
        _stores = [.. original._stores];
    }

    public IEnumerable<VariableLoad> Loads => _loads.Values.Where(l => l.Kind != LoadKind.Parameter);

    public Symbols Copy() => new(this);

    public VariableRef? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope._parent)
        {
            if (scope._refs.TryGetValue(name, out var found)) return found;
        }

        return null;
    }

    public VariableRef Get(string name) => Find(name) ?? throw new InvalidOperationException($"the name '{name}' was not analysed");

    public void Load(string name)
    {
        if (Find(name) is null) Define(name, LoadKind.Resolve);
    }

    public void Store(string name)
    {
        _stores.Add(name);
        if (_refs.ContainsKey(name)) return;
        if (_parent?.Find(name) is { } outer) Define(name, LoadKind.Alias, outer);
        else Define(name, LoadKind.Undefined);
    }

    public VariableRef Declare(string name)
    {
        _stores.Add(name);
        return Define(name, LoadKind.Parameter);
    }

    /// <summary>All variables assigned in this scope or around it, innermost first.</summary>
    public Dictionary<string, VariableRef> VisibleStores()
    {
        var result = new Dictionary<string, VariableRef>();
        for (var scope = this; scope is not null; scope = scope._parent)
        {
            foreach (var name in scope._stores) result.TryAdd(name, Get(name));
        }

        return result;
    }

    /// <summary>Merges the branches of an if statement: what only some of them assign keeps its outer value elsewhere.</summary>
    public void Merge(IReadOnlyList<Symbols> branches)
    {
        var stores = branches.SelectMany(b => b._stores).Except(_stores).ToList();
        foreach (var branch in branches)
        {
            foreach (var (name, variable) in branch._refs) _refs[name] = variable;
            foreach (var (identifier, load) in branch._loads) _loads[identifier] = load;
            _stores.UnionWith(branch._stores);
        }

        foreach (var name in stores)
        {
            var target = Get(name);
            _loads[target.Identifier] = _parent?.Find(name) is { } outer
                ? new VariableLoad(target, LoadKind.Alias, outer)
                : new VariableLoad(target, LoadKind.Resolve, new VariableRef(_function, name));
        }
    }

    private VariableRef Define(string name, LoadKind kind, VariableRef source = default)
    {
        var variable = new VariableRef(_function, $"{_level}:{name}");
        _refs[name] = variable;
        _loads[variable.Identifier] = new VariableLoad(variable, kind, kind == LoadKind.Resolve ? new VariableRef(_function, name) : source);
        return variable;
    }
}
