using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Finds the four nodes that libllama builds per adapted weight, u = A x, v = B u, w = scale v, res + w, before it computes a graph. What becomes of them is the way of
/// routing's. A graph that is used again arrives rewritten and only gets the rows of the step; where it would stay as it is, it need not arrive.
/// </summary>
internal abstract unsafe class GraphRewriter(GgmlOps ops, AdapterModules modules, StepRows rows) : INodeVisitor, IDisposable
{
    /// <summary>Marks of rewritten nodes.</summary>
    protected const int FirstMark = 0x4C6F5241, SecondMark = 0x4C6F5242, ScaleMark = 0x4C6F5257, SumMark = 0x4C6F5253;

    private readonly Dictionary<nint, (AdapterModule Module, bool IsDown)?> _halves = [];
    private int _applied;
    private int _state = 1;
    private int _shownState;
    private bool _isShown;

    /// <summary>Whether graphs are rewritten; off, libllama's own nodes run.</summary>
    public bool IsOn { get; set; }

    /// <summary>Whether graphs are built without adapters: there is nothing to see then.</summary>
    public bool IsResting { get; set; }

    /// <inheritdoc/>
    public bool NeedsNodes => _shownState != _state;

    // What was wrong with a graph since Begin; null = nothing.
    protected string? Fault { get; set; }

    // Adapted weights that the call's graphs had.
    private int Sites { get; set; }

    // Pairs of nodes whose sum has not been seen: 0 after a call that went well.
    private int OpenPairs { get; set; }

    protected GgmlOps Ops => ops;

    protected AdapterModules Modules => modules;

    protected StepRows Rows => rows;

    /// <summary>Starts a call, behind <see cref="StepRows.Set"/>.</summary>
    public virtual void Begin()
    {
        // A call that came to no good end may have shown half a graph.
        if (_isShown)
            Unsettle();
        _isShown = false;
        Fault = null;
        OpenPairs = 0;
        Sites = 0;
    }

    /// <summary>Ends a call that was computed; null, or what was wrong with its graphs.</summary>
    public string? End()
    {
        var fault = Verdict();
        if (fault is not null)
            Unsettle();
        else if (_isShown)
            _shownState = _state;
        _isShown = false;
        return fault;
    }

    /// <summary>Takes the memory for all modules seen so far; null, or why it cannot.</summary>
    public virtual string? Reserve() => null;

    /// <summary>A slot has other weights, or none. Between two calls.</summary>
    public virtual void Changed(int slot)
    {
    }

    /// <summary>Brings a slot's weights to where the nodes read them, as much as fits between two calls; true where they are there.</summary>
    public virtual bool Copy(int slot) => true;

    public abstract void Dispose();

    /// <inheritdoc/>
    public void Visit(ggml_tensor* node)
    {
        _isShown = true;
        if (IsResting)
            return;
        var op = node->op;
        if (op == ops.MultiplyMatrices)
        {
            if (Half(node->src[0]) is { } half && IsOn)
                Rewrite(node, half.Module, half.IsDown);
        }
        else if (!IsOn)
            return;
        else if (op == ops.Scale)
        {
            var product = (ggml_tensor*)node->src[0];
            if (IsMarked(product, SecondMark))
                Scaled(node, product);
        }
        else if (op == ops.Add)
        {
            var delta = (ggml_tensor*)node->src[1];
            if (IsMarked(delta, ScaleMark))
                Join(node, delta);
        }
        else if (ops.BeginsGraph(node))
        {
            if (rows.OrderMatters)
                VerifyOrder(node);
        }
        else if (IsOwn(op))
            Again(node, CustomNode.Mark(node));
    }

    /// <summary>Nodes of a graph that is used again have to be seen: something that they depend on has changed.</summary>
    protected void Unsettle() => _state++;

    /// <summary>Whether nodes are given this operation.</summary>
    protected abstract bool IsOwn(int op);

    /// <summary>A weight's half was met for the first time.</summary>
    protected virtual void Met(AdapterModule module, bool isDown, ggml_tensor* weight)
    {
    }

    /// <summary>u = A x of a new graph: <paramref name="count"/> rows, or -1 where they are not as expected.</summary>
    protected abstract void First(ggml_tensor* node, AdapterModule module, int count);

    /// <summary>v = B u of a new graph.</summary>
    protected abstract void Second(ggml_tensor* node, ggml_tensor* first);

    /// <summary>w = scale v of a new graph.</summary>
    protected abstract void Scaled(ggml_tensor* node, ggml_tensor* product);

    /// <summary>res + w, of a new graph or as it was left at the last call; gives the module and how many rows went in.</summary>
    protected abstract (AdapterModule Module, int Count) Sum(ggml_tensor* node, ggml_tensor* delta);

    /// <summary>A node with an operation of ours, in a graph that is used again; a mark that is none of ours means a node that is not.</summary>
    protected abstract void Again(ggml_tensor* node, int mark);

    /// <summary>The rows of a node as the module expects them; -1 and a fault where they are not.</summary>
    protected int RowCount(ggml_tensor* tensor, int width, AdapterModule module)
    {
        if (tensor->HasRowsOf(width))
            return (int)tensor->Rows;
        Fault ??= $"{module.Name}: rows of another shape or type than expected";
        return -1;
    }

    /// <summary>The rows of the running call for a node of so many rows; null and a fault where these cannot be ours.</summary>
    protected RowGroup? Group(int count, AdapterModule module)
    {
        Sites++;
        var group = rows.Find(count);
        if (group is null)
            Fault ??= $"{module.Name}: {count} rows in a batch of {rows.Count}";
        return group;
    }

    private string? Verdict() => Fault
        ?? (OpenPairs != 0 ? $"{OpenPairs} adapter nodes without a sum" : null)
        ?? (NeedsNodes && !_isShown ? "llama.cpp did not show the nodes of a graph" : null)
        ?? (_isShown && Sites == 0 && !rows.All.IsBase ? "the graph of a step with adapters had none" : null);

    private bool IsMarked(ggml_tensor* node, int mark) => CustomNode.Mark(node) == mark && IsOwn(node->op);

    private (AdapterModule Module, bool IsDown)? Half(nint weight)
    {
        if (_halves.TryGetValue(weight, out var half))
            return half;
        var tensor = (ggml_tensor*)weight;
        var name = tensor->Name;
        var isDown = name.EndsWith(".lora_a", StringComparison.Ordinal);
        if (isDown || name.EndsWith(".lora_b", StringComparison.Ordinal))
            half = modules.Find(name[..^7]) is { } module ? (module, isDown) : null;
        // Weights stay where they are for the life of the model; no other tensor ever gets one's address.
        _halves[weight] = half;
        if (half is { } met)
            Met(met.Module, met.IsDown, tensor);
        return half;
    }

    private void Rewrite(ggml_tensor* node, AdapterModule module, bool isDown)
    {
        if (isDown)
        {
            OpenPairs++;
            First(node, module, RowCount((ggml_tensor*)node->src[1], module.Inputs, module));
            return;
        }
        var first = (ggml_tensor*)node->src[1];
        if (IsMarked(first, FirstMark))
            Second(node, first);
        else
            Fault ??= $"{module.Name}: its two products are not one behind the other";
    }

    private void Join(ggml_tensor* node, ggml_tensor* delta)
    {
        var isNew = CustomNode.Mark(node) != SumMark;
        var (module, count) = Sum(node, delta);
        if (!isNew)
            return;
        var sums = RowCount((ggml_tensor*)node->src[0], module.Outputs, module);
        if (sums != count)
            Fault ??= $"{module.Name}: {count} rows in, {sums} rows out";
        OpenPairs--;
        if (!module.IsApplied)
            module.Order = _applied++;
    }

    // Rows with different adapters must be in the batch's order: the token ids that go in say so. Only host memory can be read; on a device the self-test has to do.
    private void VerifyOrder(ggml_tensor* node)
    {
        var ids = (ggml_tensor*)node->src[1];
        if (ids->ne[0] != rows.Count || ids->ne[1] != 1 || ids->data == null)
            return;
        if (ids->buffer == 0 || !LibGgmlBase.ggml_backend_buffer_is_host(ids->buffer))
            return;
        if (!new ReadOnlySpan<int>(ids->data, rows.Count).SequenceEqual(rows.Tokens.AsSpan(0, rows.Count)))
            Fault ??= "libllama reordered the rows of the batch";
    }
}
