using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// Gives libllama's products with quantised weights to our kernel, which unpacks a weight once for all rows of a step.
/// Weights stay where and as ggml holds them; formats that the kernel does not know stay ggml's.
/// </summary>
internal sealed unsafe class ProductRewriter : IKernelRewriter, IDisposable
{
    private const int RewrittenMark = 0x50726F64;

    private readonly GgmlOps _ops;
    private readonly int _threads;
    private readonly ProductInstructions _instructions;
    private readonly KernelNodes<ProductSite> _nodes;
    private readonly Dictionary<nint, ProductWeight> _weights = [];
    private readonly ProductBuffers* _buffers;
    private readonly NativeBuffer _tileMemory = new();
    private readonly NativeBuffer _scratch = new();
    private (nint Inputs, ProductLayout Layout) _tiles;

    private ProductRewriter(GgmlOps ops, int threads, ProductInstructions instructions)
    {
        _ops = ops;
        _nodes = new KernelNodes<ProductSite>(ops, ops.MultiplyMatrices, RewrittenMark);
        _threads = threads;
        _instructions = instructions;
        _buffers = (ProductBuffers*)NativeMemory.AllocZeroed((nuint)sizeof(ProductBuffers));
    }

    /// <inheritdoc/>
    public bool IsOn { get; set; } = true;

    /// <inheritdoc/>
    public int Rewritten { get; private set; }

    /// <summary>A rewriter; null where this machine cannot run the kernel.</summary>
    /// <param name="ops">Numbers of ggml's operations.</param>
    /// <param name="threads">ggml's threads.</param>
    /// <param name="vectorBits">Width of the vectors to use at most; 0 = what the processor has.</param>
    public static ProductRewriter? TryCreate(GgmlOps ops, int threads, int vectorBits)
    {
        var instructions = ProductInstructionSets.Best(vectorBits);
        return ProductCode.IsAvailable(instructions) ? new ProductRewriter(ops, threads, instructions) : null;
    }

    /// <inheritdoc/>
    public void Begin()
    {
        _tiles = default;
        Rewritten = 0;
    }

    /// <inheritdoc/>
    public void Visit(ggml_tensor* node)
    {
        if (node->op == _ops.MultiplyMatrices)
        {
            if (IsOn && Weight(node->src[0]) is { Format: not WeightFormat.None } weight && Matches(node, weight))
            {
                var site = _nodes.Claim(node, &ProductKernel.Run);
                site->Weight = weight;
                Arm(node, site);
            }
        }
        else if (_nodes.Has(node))
        {
            if (IsOn && Matches(node, _nodes.Site(node)->Weight))
                Arm(node, _nodes.Site(node));
            else
                _nodes.Restore(node);
        }
        else if (_ops.BeginsGraph(node))
        {
            _tiles = default;
        }
    }

    public void Dispose()
    {
        _tileMemory.Dispose();
        _scratch.Dispose();
        NativeMemory.Free(_buffers);
        _nodes.Dispose();
    }

    private static bool Matches(ggml_tensor* node, in ProductWeight weight)
    {
        var x = (ggml_tensor*)node->src[1];
        return x->HasRowsOf(weight.Inputs) && node->HasRowsOf(weight.Columns) && x->Rows == node->Rows && x->Rows >= weight.Format.LeastRows(weight.Layout.Instructions) && x->Rows <= int.MaxValue;
    }

    // Weights are leaves and stay where they are for the life of the model. Other tensors of these types are views of the cache.
    private ProductWeight Weight(nint address)
    {
        var tensor = (ggml_tensor*)address;
        if (tensor->op != _ops.None || tensor->view_src != null || tensor->buffer == 0 || tensor->data == null)
            return default;
        if (!_weights.TryGetValue(address, out var weight))
            _weights[address] = weight = Read(tensor);
        return weight;
    }

    private ProductWeight Read(ggml_tensor* tensor)
    {
        var isInterleaved = Marshal.PtrToStringUTF8((nint)LibGgmlBase.ggml_backend_buffer_name(tensor->buffer)) == "CPU_REPACK";
        var format = ((ggml_type)tensor->type, isInterleaved) switch
        {
            (ggml_type.Q8_0, false) => WeightFormat.Q8_0,
            (ggml_type.Q5_0, false) => WeightFormat.Q5_0,
            (ggml_type.Q5_1, false) => WeightFormat.Q5_1,
            (ggml_type.Q4_1, false) => WeightFormat.Q4_1,
            (ggml_type.Q5_K, false) => WeightFormat.Q5_K,
            (ggml_type.Q6_K, false) => WeightFormat.Q6_K,
            (ggml_type.IQ4_NL, true) => WeightFormat.InterleavedIQ4_NL,
            (ggml_type.Q4_0, true) => WeightFormat.InterleavedQ4_0,
            (ggml_type.Q4_K, true) => WeightFormat.InterleavedQ4_K,
            _ => WeightFormat.None,
        };
        // Offsets of a panel's columns are ints.
        if (tensor->ne[2] != 1 || tensor->ne[3] != 1 || tensor->ne[0] % format.StoredInputs() != 0 || tensor->ne[0] > int.MaxValue || tensor->ne[1] > int.MaxValue
            || tensor->nb[1] > int.MaxValue / ProductLayout.PanelColumns)
            format = WeightFormat.None;
        return new ProductWeight
        {
            Data = (byte*)tensor->data,
            Stride = (nint)tensor->nb[1],
            Columns = (int)tensor->ne[1],
            Inputs = (int)tensor->ne[0],
            Format = format,
            Layout = format.Layout(_instructions),
        };
    }

    private void Arm(ggml_tensor* node, ProductSite* site)
    {
        var x = (ggml_tensor*)node->src[1];
        site->X = (byte*)x->data;
        site->Out = (byte*)node->data;
        (site->XStride, site->OutStride, site->Rows) = ((nint)x->nb[1], (nint)node->nb[1], (int)x->Rows);
        // Nodes are computed in the order in which they are asked about.
        site->HasTiles = _tiles == ((nint)x, site->Weight.Layout) ? 1 : 0;
        _tiles = ((nint)x, site->Weight.Layout);
        site->Buffers = _buffers;
        site->NextRow = site->RowsDone = site->NextPanel = 0;
        _tileMemory.Reserve(ProductKernel.TileBytes(site->Weight, site->Rows));
        _buffers->Tiles = (byte*)_tileMemory.Start;
        _buffers->ScratchBytes = Math.Max(_buffers->ScratchBytes, ProductKernel.ScratchBytes(site->Weight, site->Rows));
        _scratch.Reserve(_buffers->ScratchBytes * _threads);
        _buffers->Scratch = (byte*)_scratch.Start;
        Rewritten++;
    }
}
