namespace InferenceHost.Text.ChatTemplates;

/// <summary>The state of one render.</summary>
internal sealed class RenderContext
{
    private readonly IReadOnlyDictionary<string, Value> _values;
    private readonly Dictionary<string, Value> _exported = [];
    private readonly CompiledTemplate _template;

    public RenderContext(CompiledTemplate template, IReadOnlyDictionary<string, Value> values, DateTime now, TemplateLimits limits)
    {
        _template = template;
        _values = values;
        Now = now;
        Limits = limits;
        Budget = new Budget(limits);
        Output = new TextBuilder(Budget);
    }

    public Budget Budget { get; }

    public TemplateLimits Limits { get; }

    /// <summary>The wall clock that <c>strftime_now</c> shows.</summary>
    public DateTime Now { get; }

    /// <summary>Where statements write; replaced while a macro or block collects its text.</summary>
    public TextBuilder Output { get; set; }

    /// <summary>Offset in the source of what runs now, for messages.</summary>
    public int Position { get; set; }

    /// <summary>Whether output is HTML-escaped: only inside an <c>autoescape</c> block.</summary>
    public bool AutoEscape { get; set; }

    public IReadOnlyDictionary<string, CompiledBlock> Blocks => _template.Blocks;

    /// <summary>A name that no frame knows: a variable set at the top level, a value of the caller, a built-in function; null if none.</summary>
    public Value? Resolve(string name) =>
        _exported.TryGetValue(name, out var value) || _values.TryGetValue(name, out value) || Globals.All.TryGetValue(name, out value!) ? value : null;

    /// <summary>Makes a top-level variable visible to blocks.</summary>
    public void Export(string name, Value value) => _exported[name] = value;

    /// <summary>Runs a block with names added to the exported ones (a <c>scoped</c> block) and takes them back.</summary>
    public void WithExports(IReadOnlyList<KeyValuePair<string, Value>> names, Action run)
    {
        var before = new Dictionary<string, Value>(_exported);
        foreach (var pair in names) _exported[pair.Key] = pair.Value;
        run();
        _exported.Clear();
        foreach (var pair in before) _exported[pair.Key] = pair.Value;
    }

    /// <summary>Collects what <paramref name="run"/> writes. All recursion of templates passes through here, so the depth is counted here.</summary>
    public StringValue Capture(Action run)
    {
        Budget.Enter();
        var outer = Output;
        var own = Output = new TextBuilder(Budget);
        run();
        Output = outer;
        Budget.Leave();
        return own.ToValue(AutoEscape);
    }

    public void Write(Value value)
    {
        if (AutoEscape) Output.Append(Html.Escape(ValueText.SoftStr(value, Budget), Budget));
        else ValueText.AppendStr(Output, value);
    }
}
