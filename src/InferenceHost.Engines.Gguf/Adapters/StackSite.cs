using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>One place in a graph where adapters are multiplied through stacks. Tensors in it have no memory of their own: they are headers over that of others.</summary>
internal unsafe struct StackSite
{
    public int Module;

    /// <summary>Rows of the graph's node.</summary>
    public int RowCount;

    /// <summary>Whether a row of the running call has an adapter, and any adapter has the module.</summary>
    public byte IsNeeded;

    /// <summary>Whether rows of the running call, or of one not long ago, have factors other than 1.</summary>
    public byte IsScaled;

    /// <summary>A of all slots as [inputs, width, slots]: the stack, as far as adapters fill it.</summary>
    public ggml_tensor Down;

    /// <summary>B of all slots as [width, outputs, slots].</summary>
    public ggml_tensor Up;

    /// <summary>x as [inputs, 1, rows].</summary>
    public ggml_tensor X;

    /// <summary>Slot per row, [1, rows].</summary>
    public ggml_tensor Ids;

    /// <summary>v in its first shape.</summary>
    public ggml_tensor Product;

    /// <summary>Factor per row, in v's first shape with one column.</summary>
    public ggml_tensor Scales;
}
