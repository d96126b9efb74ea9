using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Routing on the CPU: u becomes a custom node, our kernel, that adds to res in place, v its second pass where threads share the work, w and the sum become nothing.
/// </summary>
internal sealed unsafe class FusedRewriter : GraphRewriter
{
    private readonly SlotTable _table;
    private readonly KernelVariant _kernel;
    private readonly int _scratchTiles;
    private readonly NodeTable<RoutingSite> _sites = new();
    private readonly NativeBuffer _scratch = new();
    private int _scratchRank;

    public FusedRewriter(GgmlOps ops, AdapterModules modules, SlotTable table, StepRows rows, KernelVariant kernel, int threads)
        : base(ops, modules, rows)
    {
        _table = table;
        _kernel = kernel;
        _scratchTiles = 4 * threads;
    }

    /// <inheritdoc/>
    public override void Begin()
    {
        base.Begin();
        // The kernel reads the rows of each call.
        Unsettle();
        _scratchRank = Math.Max(_scratchRank, _table.MaxRank);
        _scratch.Reserve((nint)_scratchTiles * RowTile.MaxRows * _scratchRank * sizeof(float));
    }

    public override void Dispose()
    {
        _scratch.Dispose();
        _sites.Dispose();
    }

    /// <inheritdoc/>
    protected override bool IsOwn(int op) => op == Ops.None || op == Ops.Custom;

    /// <inheritdoc/>
    protected override void First(ggml_tensor* node, AdapterModule module, int count)
    {
        var x = (ggml_tensor*)node->src[1];
        var site = _sites.Claim(node);
        site->Slots = _table.Module(module.Index);
        site->Inputs = module.Inputs;
        site->Outputs = module.Outputs;
        site->Module = module.Index;
        site->Kernel = _kernel;
        site->RowCount = count;
        site->X = (float*)x->data;
        site->XStride = RowStride(x);
        CustomNode.Set(node, FirstMark, site);
        Arm(node, site);
    }

    /// <inheritdoc/>
    protected override void Second(ggml_tensor* node, ggml_tensor* first)
    {
        var site = SiteOf(first);
        CustomNode.Set(node, SecondMark, site);
        ArmSecond(node, site);
    }

    /// <inheritdoc/>
    protected override void Scaled(ggml_tensor* node, ggml_tensor* product)
    {
        CustomNode.Set(node, ScaleMark, SiteOf(product));
        node->op = Ops.None;
    }

    /// <inheritdoc/>
    protected override (AdapterModule Module, int Count) Sum(ggml_tensor* node, ggml_tensor* delta)
    {
        var site = SiteOf(delta);
        var rest = (ggml_tensor*)node->src[0];
        site->Y = (float*)rest->data;
        site->YStride = RowStride(rest);
        // ggml lays a sum over its first operand where it can; else the finished rows are copied.
        node->op = node->data == rest->data ? Ops.None : Ops.Duplicate;
        return (Modules.All[site->Module], site->RowCount);
    }

    /// <inheritdoc/>
    protected override void Again(ggml_tensor* node, int mark)
    {
        if (mark == FirstMark)
            Arm(node, SiteOf(node));
        else if (mark == SecondMark)
            ArmSecond(node, SiteOf(node));
    }

    private static RoutingSite* SiteOf(ggml_tensor* node) => (RoutingSite*)CustomNode.UserData(node);

    private static nint RowStride(ggml_tensor* tensor) => (nint)(tensor->nb[1] / sizeof(float));

    // The kernel works for the rows of this step: nothing where no row needs this module.
    private void Arm(ggml_tensor* node, RoutingSite* site)
    {
        var group = Group(site->RowCount, Modules.All[site->Module]);
        if (group is null || !group.Needs(site->Module))
        {
            site->Rows = null;
            node->op = Ops.None;
            return;
        }
        site->Rows = group.Set;
        site->Next = 0;
        site->Scratch = (float*)_scratch.Start;
        site->ScratchRank = _scratchRank;
        node->op = Ops.Custom;
        CustomNode.SetFunction(node, group.Set->IsShared != 0 ? &LoraEntry.Down : &LoraEntry.Whole);
    }

    private void ArmSecond(ggml_tensor* node, RoutingSite* site)
    {
        if (site->Rows == null || site->Rows->IsShared == 0)
        {
            node->op = Ops.None;
            return;
        }
        node->op = Ops.Custom;
        CustomNode.SetFunction(node, &LoraEntry.Up);
    }
}
