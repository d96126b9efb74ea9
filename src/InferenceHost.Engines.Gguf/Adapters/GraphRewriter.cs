using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// Turns the four nodes that libllama builds per adapted weight, u = A x, v = B u, w = scale v, res + w, into our kernel: u becomes a custom node that adds to
/// res in place, v its second pass where threads share the work, w and the sum become nothing. libllama asks about every node before it computes a graph; the
/// rewriting happens then, once per built graph. A graph that is used again arrives rewritten, and its sites only get the rows of the step.
/// </summary>
internal sealed unsafe class GraphRewriter : INodeVisitor, IDisposable
{
    // Marks of rewritten nodes.
    private const int FirstMark = 0x4C6F5241, SecondMark = 0x4C6F5242, ScaleMark = 0x4C6F5257;

    private readonly GgmlOps _ops;
    private readonly AdapterModules _modules;
    private readonly SlotTable _table;
    private readonly StepRows _rows;
    private readonly KernelVariant _kernel;
    private readonly int _scratchTiles;
    private readonly NodeTable<RoutingSite> _sites = new();
    private readonly Dictionary<nint, (AdapterModule Module, bool IsDown)?> _halves = [];
    private float* _scratch;
    private int _scratchRank;
    private int _open;
    private int _applied;

    public GraphRewriter(GgmlOps ops, AdapterModules modules, SlotTable table, StepRows rows, KernelVariant kernel, int threads)
    {
        _ops = ops;
        _modules = modules;
        _table = table;
        _rows = rows;
        _kernel = kernel;
        _scratchTiles = 4 * threads;
    }

    /// <summary>Whether graphs are rewritten; off, libllama's own nodes run.</summary>
    public bool IsOn { get; set; }

    /// <summary>What was wrong with a graph since <see cref="Begin"/>; null = nothing.</summary>
    public string? Fault { get; private set; }

    /// <summary>Pairs of nodes whose sum has not been seen: 0 after a call that went well.</summary>
    public int OpenPairs => _open;

    /// <summary>Starts a call.</summary>
    public void Begin()
    {
        Fault = null;
        _open = 0;
        if (_scratchRank >= _table.MaxRank)
            return;
        NativeMemory.AlignedFree(_scratch);
        _scratchRank = _table.MaxRank;
        _scratch = (float*)NativeMemory.AlignedAlloc((nuint)_scratchTiles * RowTile.MaxRows * (nuint)_scratchRank * sizeof(float), 64);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_scratch);
        _scratch = null;
        _sites.Dispose();
    }

    /// <inheritdoc/>
    public void Visit(ggml_tensor* node)
    {
        if (!IsOn)
            return;
        var op = node->op;
        if (op == _ops.None || op == _ops.Custom)
        {
            var mark = CustomNode.Mark(node);
            if (mark == FirstMark)
                Arm(node, SiteOf(node));
            else if (mark == SecondMark)
                ArmSecond(node, SiteOf(node));
        }
        else if (op == _ops.MultiplyMatrices)
        {
            if (Half(node->src[0]) is { } half)
                Rewrite(node, half.Module, half.IsDown);
        }
        else if (op == _ops.Scale)
        {
            var product = (ggml_tensor*)node->src[0];
            if (CustomNode.Mark(product) == SecondMark && IsOurs(product))
            {
                CustomNode.Set(node, ScaleMark, SiteOf(product));
                node->op = _ops.None;
            }
        }
        else if (op == _ops.Add)
        {
            var delta = (ggml_tensor*)node->src[1];
            if (CustomNode.Mark(delta) == ScaleMark && delta->op == _ops.None)
                Join(node, SiteOf(delta));
        }
        else if (op == _ops.GetRows && _rows.OrderMatters)
            VerifyOrder(node);
    }

    private bool IsOurs(ggml_tensor* node) => node->op == _ops.None || node->op == _ops.Custom;

    private static RoutingSite* SiteOf(ggml_tensor* node) => (RoutingSite*)CustomNode.UserData(node);

    private (AdapterModule Module, bool IsDown)? Half(nint weight)
    {
        if (_halves.TryGetValue(weight, out var half))
            return half;
        var name = ((ggml_tensor*)weight)->Name;
        var isDown = name.EndsWith(".lora_a", StringComparison.Ordinal);
        if (isDown || name.EndsWith(".lora_b", StringComparison.Ordinal))
            half = _modules.Find(name[..^7]) is { } module ? (module, isDown) : null;
        // Weights stay where they are for the life of the model; no other tensor ever gets one's address.
        _halves[weight] = half;
        return half;
    }

    private void Rewrite(ggml_tensor* node, AdapterModule module, bool isDown)
    {
        if (isDown)
        {
            var site = _sites.Claim(node);
            site->Slots = _table.Module(module.Index);
            site->Inputs = module.Inputs;
            site->Outputs = module.Outputs;
            site->Module = module.Index;
            site->Kernel = _kernel;
            site->RowCount = Rows((ggml_tensor*)node->src[1], module.Inputs, out site->X, out site->XStride, module);
            _open++;
            CustomNode.Set(node, FirstMark, site);
            Arm(node, site);
            return;
        }
        var first = (ggml_tensor*)node->src[1];
        if (CustomNode.Mark(first) != FirstMark || !IsOurs(first))
        {
            Fault ??= $"{module.Name}: its two products are not one behind the other";
            return;
        }
        var own = SiteOf(first);
        CustomNode.Set(node, SecondMark, own);
        ArmSecond(node, own);
    }

    // The kernel works for the rows of this step: nothing where no row needs this module.
    private void Arm(ggml_tensor* node, RoutingSite* site)
    {
        var group = _rows.Find(site->RowCount);
        if (group is null)
            Fault ??= $"{_modules.All[site->Module].Name}: {site->RowCount} rows in a batch of {_rows.Count}";
        if (group is null || !group.Needs(site->Module))
        {
            site->Rows = null;
            node->op = _ops.None;
            return;
        }
        site->Rows = group.Set;
        site->Next = 0;
        site->Scratch = _scratch;
        site->ScratchRank = _scratchRank;
        node->op = _ops.Custom;
        CustomNode.SetFunction(node, group.Set->IsShared != 0 ? &LoraEntry.Down : &LoraEntry.Whole);
    }

    private void ArmSecond(ggml_tensor* node, RoutingSite* site)
    {
        if (site->Rows == null || site->Rows->IsShared == 0)
        {
            node->op = _ops.None;
            return;
        }
        node->op = _ops.Custom;
        CustomNode.SetFunction(node, &LoraEntry.Up);
    }

    private void Join(ggml_tensor* node, RoutingSite* site)
    {
        var module = _modules.All[site->Module];
        var rows = Rows((ggml_tensor*)node->src[0], module.Outputs, out site->Y, out site->YStride, module);
        if (rows != site->RowCount)
            Fault ??= $"{module.Name}: {site->RowCount} rows in, {rows} rows out";
        _open--;
        if (!module.IsApplied)
            module.Order = _applied++;
        // ggml lays a sum over its first operand where it can; else the finished rows are copied.
        node->op = node->data == ((ggml_tensor*)node->src[0])->data ? _ops.None : _ops.Duplicate;
    }

    private int Rows(ggml_tensor* tensor, int width, out float* data, out nint stride, AdapterModule module)
    {
        data = (float*)tensor->data;
        stride = (nint)(tensor->nb[1] / sizeof(float));
        var packed = (tensor->ne[2] == 1 || tensor->nb[2] == tensor->nb[1] * tensor->ne[1]) && (tensor->ne[3] == 1 || tensor->nb[3] == tensor->nb[2] * tensor->ne[2]);
        if (tensor->type != (int)ggml_type.F32 || tensor->nb[0] != sizeof(float) || tensor->ne[0] != width || !packed || data == null)
        {
            Fault ??= $"{module.Name}: rows of another shape or type than expected";
            return -1;
        }
        return (int)(tensor->ne[1] * tensor->ne[2] * tensor->ne[3]);
    }

    // Rows with different adapters must be in the batch's order: the token ids that go in say so.
    private void VerifyOrder(ggml_tensor* node)
    {
        var ids = (ggml_tensor*)node->src[1];
        if (ids->ne[0] != _rows.Count || ids->ne[1] != 1 || ids->data == null || ids->Name != "inp_tokens")
            return;
        if (!new ReadOnlySpan<int>(ids->data, _rows.Count).SequenceEqual(_rows.Tokens.AsSpan(0, _rows.Count)))
            Fault ??= "libllama reordered the rows of the batch";
    }
}
