using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Gives libllama's attention nodes to our kernel, which goes over the cells that a row sees and no others. ggml's own goes over every cell in use of the pool for
/// every row, and with many sequences that is most of its time. Nodes of a kind we do not know stay as they are.
/// </summary>
internal sealed unsafe class AttentionRewriter : IKernelRewriter, IDisposable
{
    private const int RewrittenMark = 0x4174746E;
    private const int ScaleAt = 0, MaxBiasAt = 1, SoftCapAt = 2;
    private const int MaxRowSize = 1024;

    private readonly GgmlOps _ops;
    private readonly int _threads;
    private readonly int _bits;
    private readonly KernelNodes<AttentionSite> _nodes;
    private readonly List<MaskPlan> _plans = [];
    private readonly AttentionBuffers* _buffers;
    private readonly NativeBuffer _scratch = new();
    private readonly NativeBuffer _partial = new();
    private int _plansInUse;

    /// <param name="ops">Numbers of ggml's operations.</param>
    /// <param name="threads">Threads that a graph is computed with.</param>
    /// <param name="bits">Widest vectors to use; 0 = what the processor is fast with.</param>
    public AttentionRewriter(GgmlOps ops, int threads, int bits)
    {
        _ops = ops;
        _nodes = new KernelNodes<AttentionSite>(ops, ops.FlashAttention, RewrittenMark);
        _threads = threads;
        _bits = bits == 0 ? Processors.VectorBits : bits;
        _buffers = (AttentionBuffers*)NativeMemory.AllocZeroed((nuint)sizeof(AttentionBuffers));
    }

    /// <inheritdoc/>
    public bool IsOn { get; set; } = true;

    /// <inheritdoc/>
    public int Rewritten { get; private set; }

    /// <inheritdoc/>
    public void Begin()
    {
        _plansInUse = 0;
        Rewritten = 0;
    }

    /// <inheritdoc/>
    public void Visit(ggml_tensor* node)
    {
        if (node->op == _ops.FlashAttention)
        {
            if (IsOn && Matches(node, node->op_params))
                TryArm(node);
        }
        else if (_nodes.Has(node))
        {
            if (!IsOn || !Matches(node, _nodes.Parameters(node)) || !TryArm(node))
                _nodes.Restore(node);
        }
        else if (_ops.BeginsGraph(node))
        {
            // With masks of its own.
            _plansInUse = 0;
        }
    }

    public void Dispose()
    {
        foreach (var plan in _plans)
            plan.Plan.Dispose();
        _plans.Clear();
        _scratch.Dispose();
        _partial.Dispose();
        NativeMemory.Free(_buffers);
        _nodes.Dispose();
    }

    private static bool Matches(ggml_tensor* node, int* parameters)
    {
        ggml_tensor* q = (ggml_tensor*)node->src[0], k = (ggml_tensor*)node->src[1], v = (ggml_tensor*)node->src[2], mask = (ggml_tensor*)node->src[3], sinks = (ggml_tensor*)node->src[4];
        if (mask == null || mask->type != (int)ggml_type.F16 || mask->nb[0] != sizeof(short) || mask->ne[2] != 1 || mask->ne[3] != 1 || mask->data == null)
            return false;
        if (q->type != (int)ggml_type.F32 || node->type != (int)ggml_type.F32 || k->type != v->type || (k->type != (int)ggml_type.F16 && k->type != (int)ggml_type.Q8_0))
            return false;
        if (sinks != null && sinks->type != (int)ggml_type.F32)
            return false;
        if (((float*)parameters)[MaxBiasAt] != 0 || q->ne[3] != 1 || k->ne[3] != 1 || v->ne[3] != 1 || q->nb[0] != sizeof(float))
            return false;
        // [size, rows, heads] against [size, cells, heads]; results are [size, heads, rows], dense.
        var (size, rows, heads) = (v->ne[0], q->ne[1], q->ne[2]);
        return q->ne[0] == k->ne[0] && k->ne[1] == v->ne[1] && k->ne[2] == v->ne[2] && heads % k->ne[2] == 0 && heads / k->ne[2] <= AttentionPlan.MaxQueries
            && mask->ne[0] == k->ne[1] && mask->ne[1] >= rows && k->ne[0] <= MaxRowSize && size <= MaxRowSize
            && (k->type == (int)ggml_type.F16 || (k->ne[0] % 32 == 0 && size % 32 == 0))
            && node->ne[0] == size && node->ne[1] == heads && node->ne[2] == rows && node->ne[3] == 1
            && node->nb[1] == size * sizeof(float) && node->nb[2] == node->nb[1] * heads;
    }

    private bool TryArm(ggml_tensor* node)
    {
        ggml_tensor* q = (ggml_tensor*)node->src[0], k = (ggml_tensor*)node->src[1], v = (ggml_tensor*)node->src[2], sinks = (ggml_tensor*)node->src[4];
        var sharing = (int)(q->ne[2] / k->ne[2]);
        if (!AttentionVariants.TryPick(k->type == (int)ggml_type.Q8_0, (int)k->ne[0], (int)v->ne[0], _bits, out var variant)
            || FindPlan((ggml_tensor*)node->src[3], (int)q->ne[1], (int)k->ne[1], sharing, (int)k->ne[2]) is not { } plan)
            return false;
        var site = _nodes.Has(node) ? _nodes.Site(node) : _nodes.Claim(node, &AttentionEntry.Run);
        var parameters = (float*)_nodes.Parameters(node);
        site->Variant = variant;
        site->Plan = plan.View;
        site->Q = (byte*)q->data;
        (site->QRow, site->QHead) = ((nint)q->nb[1], (nint)q->nb[2]);
        site->K = (byte*)k->data;
        (site->KCell, site->KHead) = ((nint)k->nb[1], (nint)k->nb[2]);
        site->V = (byte*)v->data;
        (site->VCell, site->VHead) = ((nint)v->nb[1], (nint)v->nb[2]);
        site->Out = (float*)node->data;
        site->Sinks = sinks == null ? null : (float*)sinks->data;
        (site->KeySize, site->ValueSize, site->Heads, site->Sharing) = ((int)k->ne[0], (int)v->ne[0], (int)q->ne[2], sharing);
        (site->Scale, site->SoftCap) = (parameters[ScaleAt], parameters[SoftCapAt]);
        site->Buffers = _buffers;
        site->Next = 0;
        Reserve(site);
        Rewritten++;
        return true;
    }

    private AttentionPlan? FindPlan(ggml_tensor* mask, int rows, int cells, int sharing, int heads)
    {
        for (var i = 0; i < _plansInUse; i++)
            if (_plans[i].Mask == (nint)mask->data && _plans[i].Sharing == sharing && _plans[i].Heads == heads)
                return _plans[i].IsKnown ? _plans[i].Plan : null;
        if (_plansInUse == _plans.Count)
            _plans.Add(new MaskPlan());
        var plan = _plans[_plansInUse++];
        (plan.Mask, plan.Sharing, plan.Heads) = ((nint)mask->data, sharing, heads);
        plan.IsKnown = plan.Plan.TryRead((byte*)mask->data, (nint)mask->nb[1], rows, cells, sharing, heads, _threads);
        return plan.IsKnown ? plan.Plan : null;
    }

    private void Reserve(AttentionSite* site)
    {
        var floats = AttentionScratch.Floats(site->KeySize, site->ValueSize);
        if (floats > _buffers->ScratchFloats)
            _buffers->ScratchFloats = floats;
        _scratch.Reserve(_buffers->ScratchFloats * _threads * sizeof(float));
        _partial.Reserve(site->Plan.DividedParts * site->KvHeads * site->PartialFloats * sizeof(float));
        _buffers->Scratch = (float*)_scratch.Start;
        _buffers->Partial = (float*)_partial.Start;
    }

    private sealed class MaskPlan
    {
        public AttentionPlan Plan { get; } = new();

        public nint Mask { get; set; }

        public int Sharing { get; set; }

        public int Heads { get; set; }

        public bool IsKnown { get; set; }
    }
}
