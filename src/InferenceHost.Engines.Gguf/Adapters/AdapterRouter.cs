using System.Diagnostics;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Adapters per row: one pattern adapter stays set, and libllama's nodes for it are rewritten to serve each row its own.</summary>
internal sealed unsafe class AdapterRouter : IAdapterPath
{
    // Setting the pattern anew makes llama.cpp plan its graphs again: milliseconds on a CPU, tens of them on a GPU. Not more often than after so many steps.
    private const int RestAfterSteps = 256;

    private readonly AdapterModules _modules;
    private readonly SlotTable _table;
    private readonly StepRows _rows;
    private readonly GraphRewriter _rewriter;
    private readonly IAdapterLayout _layout;
    private readonly AdapterReader _reader;
    private readonly string _architecture;
    private readonly bool[] _isWhole;
    private readonly TimeSpan _restAfter;
    private LlamaAdapterHandle? _pattern;
    private LlamaContextHandle? _context;
    private int _baseSteps;
    private long _lastUse;

    private AdapterRouter(AdapterModules modules, SlotTable table, StepRows rows, GraphRewriter rewriter, IAdapterLayout layout, GgufEngineOptions options, ModelHeader header)
    {
        _modules = modules;
        _architecture = header.Architecture;
        _table = table;
        _rows = rows;
        _rewriter = rewriter;
        _layout = layout;
        BatchTokens = options.BatchTokens;
        _isWhole = new bool[table.Count];
        _restAfter = IsStacked ? options.StackedRestAfter : TimeSpan.Zero;
        _reader = new AdapterReader(options.ModelPath, modules, layout);
    }

    /// <inheritdoc/>
    public AdapterMode Mode { get; private set; } = AdapterMode.PerRow;

    /// <summary>Whether libllama's nodes are rewritten; for the self-test.</summary>
    public bool IsOn
    {
        get => _rewriter.IsOn;
        set => _rewriter.IsOn = value;
    }

    /// <summary>Whether stacks are read in their whole rank, whoever is in them; for the self-test.</summary>
    public bool IsWide
    {
        set
        {
            if (_rewriter is StackedRewriter stacked)
                stacked.IsWide = value;
        }
    }

    /// <summary>Prepares routing for a model, by our kernel or through stacks; null where its file has no module that an adapter could change.</summary>
    public static AdapterRouter? TryCreate(GgmlOps ops, GgufEngineOptions options, ModelHeader header, int threads, bool stacked)
    {
        var modules = AdapterModules.Of(header.Tensors);
        if (modules.All.Count == 0)
            return null;
        var table = new SlotTable(modules.All.Count, options.AdapterSlots + 1);
        var rows = new StepRows(table, modules.All.Count, options.BatchTokens, threads);
        if (stacked)
        {
            var layout = new StackLayout(options.AdapterStorage, options.AdapterRank);
            return new AdapterRouter(modules, table, rows, new StackedRewriter(ops, modules, table, rows, layout, options), layout, options, header);
        }
        var kernel = options.KernelBits == 0 ? KernelVariants.Best(options.AdapterStorage) : KernelVariants.Of(options.AdapterStorage, options.KernelBits);
        return new AdapterRouter(modules, table, rows, new FusedRewriter(ops, modules, table, rows, kernel, threads), new KernelLayout(options.AdapterStorage), options, header);
    }

    /// <summary>Whether graphs are built without adapters, because nobody has used one for a while.</summary>
    public bool IsResting => _rewriter.IsResting;

    /// <summary>Whether adapters are multiplied through stacks, as on a device.</summary>
    public bool IsStacked => _rewriter is StackedRewriter;

    /// <summary>Rows of a call at most.</summary>
    public int BatchTokens { get; }

    /// <summary>Rewrites the graphs of the context to be.</summary>
    public INodeVisitor Rewriter => _rewriter;

    /// <summary>Sets the pattern and tests routing on the new context. Null = routing works; else why not, and this router is of no use.</summary>
    public string? Activate(LlamaModelHandle model, LlamaContextHandle context, Decoder decoder, int vocabularySize, bool reordersRows)
    {
        Mode = reordersRows ? AdapterMode.Grouped : AdapterMode.PerRow;
        using var file = new MemoryFile("pattern.gguf", PatternAdapter.Write(_architecture, _modules.All));
        _pattern = LlamaAdapterHandle.Load(model, file.Path);
        var fault = new RoutingSelfTest(this, context, decoder, vocabularySize, strength => ReadPattern(file.Path, strength)).Run();
        _context = fault is null ? context : null;
        // Nobody has used one yet.
        (_baseSteps, _lastUse) = (RestAfterSteps, 0);
        return fault;
    }

    /// <summary>Takes the memory for the modules that were seen in a call under the pattern; null, or why it cannot.</summary>
    public string? Reserve() => _rewriter.Reserve();

    /// <summary>Sets the pattern on the context with a strength; 0 = no adapter at all.</summary>
    public void SetPattern(LlamaContextHandle context, float strength)
    {
        var adapter = _pattern!.DangerousGetHandle();
        var result = LibLlama.llama_set_adapters_lora(context, &adapter, strength == 0 ? 0u : 1u, &strength);
        if (result != 0)
            throw new EngineException($"llama.cpp could not set the pattern adapter: {result}");
    }

    /// <inheritdoc/>
    public bool Accepts(StepBatch batch)
    {
        var slots = batch.AdapterSlots;
        foreach (var slot in slots)
            if ((uint)slot >= (uint)_table.Count || (slot != 0 && !_isWhole[slot]))
                return false;
        foreach (var scale in batch.AdapterScales)
            if (!float.IsFinite(scale))
                return false;
        return Mode == AdapterMode.PerRow || (!slots.ContainsAnyExcept(slots[0]) && !batch.AdapterScales.ContainsAnyExcept(batch.AdapterScales[0]));
    }

    /// <inheritdoc/>
    public void BeforeStep(StepBatch batch)
    {
        _rows.Set(batch);
        Rest(_rows.All.IsBase);
        _rewriter.Begin();
    }

    /// <inheritdoc/>
    public string? AfterStep() => _rewriter.End();

    /// <inheritdoc/>
    public PreparedAdapter Prepare(string path, CancellationToken cancellation) => _reader.Read(path, cancellation);

    /// <inheritdoc/>
    public bool Install(int slot, PreparedAdapter adapter)
    {
        Check(slot);
        var routed = adapter as RoutedAdapter ?? throw new ArgumentException("the adapter was prepared by another engine", nameof(adapter));
        if (_isWhole[slot] || _table.Of(slot) != routed)
        {
            _isWhole[slot] = false;
            _table.Set(slot, routed);
            _rewriter.Changed(slot);
        }
        return _isWhole[slot] = _rewriter.Copy(slot);
    }

    /// <inheritdoc/>
    public void Clear(int slot)
    {
        Check(slot);
        _isWhole[slot] = false;
        _table.Set(slot, null);
        _rewriter.Changed(slot);
    }

    public void Dispose()
    {
        _pattern?.Dispose();
        _rewriter.Dispose();
        _rows.Dispose();
        _table.Dispose();
    }

    // Nodes that do nothing cost a little too: where nobody has used an adapter for a while, graphs are built without them.
    private void Rest(bool isBase)
    {
        _baseSteps = isBase ? _baseSteps + 1 : 0;
        if (!isBase)
            _lastUse = Stopwatch.GetTimestamp();
        var rests = _baseSteps >= RestAfterSteps && (_lastUse == 0 || Stopwatch.GetElapsedTime(_lastUse) >= _restAfter);
        if (_context is not { } context || IsResting == rests)
            return;
        _rewriter.IsResting = rests;
        SetPattern(context, rests ? 0 : 1);
    }

    private RoutedAdapter ReadPattern(string path, float strength)
    {
        using var file = GgufFile.Open(path);
        return new AdapterReader("", _modules, _layout).Read(file, strength, [.. _modules.All.Select(module => module.Name)], requireApplied: false, CancellationToken.None);
    }

    private void Check(int slot)
    {
        if (slot < 1 || slot >= _table.Count)
            throw new ArgumentOutOfRangeException(nameof(slot), slot, $"adapter slots are 1..{_table.Count - 1}");
    }
}
