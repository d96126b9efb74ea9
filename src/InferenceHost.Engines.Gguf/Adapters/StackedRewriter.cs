using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Routing on any device: u and v become products by id (MUL_MAT_ID) with stacks of all slots' weights, w a product with the rows' factors or nothing, the sum stays. Where no row
/// has an adapter all four become nothing. A CUDA graph is captured anew when its nodes change, so they follow the adapters that are installed and not those of the step. Made for CUDA, and tested on ggml's CPU backend only: what the CUDA backend makes of these nodes was read in its source (v0.5.0).
/// </summary>
internal sealed unsafe class StackedRewriter(GgmlOps ops, AdapterModules modules, SlotTable table, StepRows rows, StackLayout layout, GgufEngineOptions options) : GraphRewriter(ops, modules, rows)
{
    // Steps after one with factors for which nodes for factors stay.
    private const int ScaledSteps = 1024;

    private readonly NodeTable<StackSite> _sites = new();
    private readonly nint[] _bufferTypes = new nint[modules.All.Count];
    private readonly bool[] _verified = new bool[modules.All.Count];
    private AdapterStacks? _stacks;
    private int _scaledSteps;
    private NodeState _nodes;

    /// <summary>Whether nodes read the stacks in their whole rank; for the self-test.</summary>
    public bool IsWide { get; set; }

    private int Width => IsWide || _stacks is null ? layout.Rank : _stacks.Width;

    /// <inheritdoc/>
    public override string? Reserve()
    {
        var stacks = new AdapterStacks(Modules, table, _bufferTypes, layout, options.BatchTokens);
        if (stacks.TryAllocate() is { } missing)
        {
            stacks.Dispose();
            return missing;
        }
        _stacks?.Dispose();
        _stacks = stacks;
        Unsettle();
        return null;
    }

    /// <inheritdoc/>
    public override void Changed(int slot) => _stacks?.Begin(slot);

    /// <inheritdoc/>
    public override bool Copy(int slot) => _stacks is null || _stacks.Copy(slot, options.AdapterCopyTime);

    /// <inheritdoc/>
    public override void Begin()
    {
        base.Begin();
        if (IsOn && !Rows.All.IsBase)
        {
            _scaledSteps = Rows.All.IsScaled ? ScaledSteps : Math.Max(_scaledSteps - 1, 0);
            _stacks?.Upload(Rows);
        }
        var nodes = IsResting ? default : new NodeState(IsOn, Rows.All.RowCount, Rows.Outputs.RowCount, Rows.All.IsBase, _scaledSteps > 0, Width, _stacks?.Version ?? 0);
        if (nodes == _nodes)
            return;
        _nodes = nodes;
        Unsettle();
    }

    public override void Dispose()
    {
        _stacks?.Dispose();
        _sites.Dispose();
    }

    /// <inheritdoc/>
    protected override bool IsOwn(int op) => op == Ops.None || op == Ops.MultiplyMatricesById || op == Ops.Multiply || op == Ops.Duplicate;

    /// <inheritdoc/>
    protected override void Met(AdapterModule module, bool isDown, ggml_tensor* weight)
    {
        // libllama lays adapters beside the weights that they change.
        if (isDown && weight->buffer != 0)
            _bufferTypes[module.Index] = LibGgmlBase.ggml_backend_buffer_get_type(weight->buffer);
    }

    /// <inheritdoc/>
    protected override void First(ggml_tensor* node, AdapterModule module, int count)
    {
        if (_stacks?.Of(module) is not { } stack || count < 0 || count > options.BatchTokens)
        {
            Fault ??= $"{module.Name}: no stack for {count} rows";
            return;
        }
        var site = _sites.Claim(node);
        (site->Module, site->RowCount) = (module.Index, count);
        (site->Down, site->Up) = (*stack.Down, *stack.Up);
        site->X = *(ggml_tensor*)node->src[1];
        site->X.view_src = null;
        Shape(&site->X, module.Inputs, 1, count, (long)site->X.nb[1]);
        site->Ids = *stack.Inputs.Rows;
        Shape(&site->Ids, 1, count, 1, sizeof(int));
        CustomNode.SetMark(node, FirstMark, site);
        node->op = Ops.MultiplyMatricesById;
        node->src[0] = (nint)(&site->Down);
        node->src[1] = (nint)(&site->X);
        node->src[2] = (nint)(&site->Ids);
        // The pattern has rank 1, and ggml gave its u no room for more.
        node->data = stack.Inputs.Scratch->data;
        node->buffer = stack.Inputs.Scratch->buffer;
        Fit(node, site);
        Verify(node, stack);
        Arm(node, site);
    }

    /// <inheritdoc/>
    protected override void Second(ggml_tensor* node, ggml_tensor* first)
    {
        var site = SiteOf(first);
        var module = Modules.All[site->Module];
        var stack = _stacks!.Of(module)!;
        if (RowCount(node, module.Outputs, module) != site->RowCount)
            Fault ??= $"{module.Name}: its two products have different rows";
        var scales = site->Scales.data;
        site->Product = site->Scales = *node;
        site->Scales.data = scales;
        site->Product.op = site->Scales.op = Ops.None;
        site->Product.view_src = site->Scales.view_src = null;
        site->Scales.buffer = stack.Inputs.Rows->buffer;
        site->Scales.ne[0] = 1;
        for (var i = 1; i < 4; i++)
            site->Scales.nb[i] = site->Scales.nb[i - 1] * site->Scales.ne[i - 1];
        CustomNode.SetMark(node, SecondMark, site);
        node->src[0] = (nint)(&site->Up);
        node->src[2] = (nint)(&site->Ids);
        Shape(node, module.Outputs, 1, site->RowCount, (long)node->nb[1]);
        node->op = Ops.MultiplyMatricesById;
        Verify(node, stack);
        Arm(node, site);
    }

    /// <inheritdoc/>
    protected override void Scaled(ggml_tensor* node, ggml_tensor* product)
    {
        var site = SiteOf(product);
        CustomNode.SetMark(node, ScaleMark, site);
        node->src[0] = (nint)(&site->Product);
        node->src[1] = (nint)(&site->Scales);
        node->op = Ops.Multiply;
        Verify(node, _stacks!.Of(Modules.All[site->Module])!);
        _verified[site->Module] = true;
        Arm(node, site);
    }

    /// <inheritdoc/>
    protected override (AdapterModule Module, int Count) Sum(ggml_tensor* node, ggml_tensor* delta)
    {
        var site = SiteOf(delta);
        CustomNode.SetMark(node, SumMark, site);
        Arm(node, site);
        return (Modules.All[site->Module], site->RowCount);
    }

    /// <inheritdoc/>
    protected override void Again(ggml_tensor* node, int mark)
    {
        if (mark is FirstMark or SecondMark or ScaleMark or SumMark)
            Arm(node, SiteOf(node));
    }

    private static StackSite* SiteOf(ggml_tensor* node) => (StackSite*)CustomNode.UserData(node);

    private static void Shape(ggml_tensor* tensor, long ne0, long ne1, long ne2, long row)
    {
        (tensor->ne[0], tensor->ne[1], tensor->ne[2], tensor->ne[3]) = (ne0, ne1, ne2, 1);
        (tensor->nb[1], tensor->nb[2], tensor->nb[3]) = (row, row * ne1, row * ne1 * ne2);
    }

    // A device's backend aborts on a node that it does not know, and nobody asks it again after the graph was planned.
    private void Verify(ggml_tensor* node, AdapterStack stack)
    {
        if (!_verified[stack.Module] && !LibGgmlBase.ggml_backend_dev_supports_op(stack.Inputs.Device, node))
            Fault ??= $"{Modules.All[stack.Module].Name}: {stack.Inputs.Name} does not compute products by id of these shapes";
    }

    private void Arm(ggml_tensor* node, StackSite* site)
    {
        switch (CustomNode.Mark(node))
        {
            case FirstMark:
                Choose(site);
                Fit(node, site);
                node->op = site->IsNeeded != 0 ? Ops.MultiplyMatricesById : Ops.None;
                break;
            case SecondMark:
                node->op = site->IsNeeded != 0 ? Ops.MultiplyMatricesById : Ops.None;
                break;
            case ScaleMark:
                // Factors of 1 are left out where ggml computes w in v's place, as it does wherever v has no other reader.
                node->op = site->IsNeeded != 0 && (site->IsScaled != 0 || node->data != site->Product.data) ? Ops.Multiply : Ops.None;
                break;
            default:
                node->op = site->IsNeeded != 0 ? Ops.Add : node->data == ((ggml_tensor*)node->src[0])->data ? Ops.None : Ops.Duplicate;
                break;
        }
    }

    // u and the stacks, as wide as the installed adapters need.
    private void Fit(ggml_tensor* node, StackSite* site)
    {
        var width = Width;
        site->Down.ne[1] = site->Up.ne[0] = width;
        Shape(node, width, 1, site->RowCount, width * sizeof(float));
    }

    // Which rows of the running call go through the site.
    private void Choose(StackSite* site)
    {
        var module = Modules.All[site->Module];
        var group = Group(site->RowCount, module);
        site->IsNeeded = group is { RowCount: > 0 } && !Rows.All.IsBase && _stacks!.IsUsed(module) ? (byte)1 : (byte)0;
        if (site->IsNeeded == 0)
            return;
        site->IsScaled = _scaledSteps > 0 ? (byte)1 : (byte)0;
        var inputs = _stacks!.Of(module)!.Inputs;
        if (!inputs.TryFind(Rows, group!, out site->Ids.data, out site->Scales.data))
            Fault ??= $"{module.Name}: {site->RowCount} rows in a call of {Rows.Count}";
    }

    // All that decides which nodes compute and where they find their rows.
    private readonly record struct NodeState(bool IsOn, int Rows, int Outputs, bool IsBase, bool IsScaled, int Width, int Stacks);
}
