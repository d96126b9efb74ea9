namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Nodes of one operation that were given to a kernel of ours: a site for each, and its own parameters for the day it gets them back.</summary>
/// <param name="ops">Numbers of ggml's operations.</param>
/// <param name="operation">The operation that they have otherwise.</param>
/// <param name="mark">Tells them from other custom nodes.</param>
internal sealed unsafe class KernelNodes<TSite>(GgmlOps ops, int operation, int mark) : IDisposable
    where TSite : unmanaged
{
    private readonly NodeTable<Node> _nodes = new();

    /// <summary>Whether the kernel has this node.</summary>
    public bool Has(ggml_tensor* node) => node->op == ops.Custom && CustomNode.Mark(node) == mark;

    /// <summary>The site of a node that the kernel has.</summary>
    public TSite* Site(ggml_tensor* node) => &((Node*)CustomNode.UserData(node))->Site;

    /// <summary>The node's own parameters, whoever has it.</summary>
    public int* Parameters(ggml_tensor* node) => Has(node) ? ((Node*)CustomNode.UserData(node))->Parameters : node->op_params;

    /// <summary>Gives a node to the kernel; its cleared site.</summary>
    public TSite* Claim(ggml_tensor* node, delegate* unmanaged[Cdecl]<ggml_tensor*, int, int, void*, void> function)
    {
        var place = _nodes.Claim(node);
        new ReadOnlySpan<int>(node->op_params, ggml_tensor.OpParams).CopyTo(new Span<int>(place->Parameters, ggml_tensor.OpParams));
        CustomNode.Set(node, mark, place);
        CustomNode.SetFunction(node, function);
        node->op = ops.Custom;
        return &place->Site;
    }

    /// <summary>Gives a node back to ggml.</summary>
    public void Restore(ggml_tensor* node)
    {
        var place = (Node*)CustomNode.UserData(node);
        new ReadOnlySpan<int>(place->Parameters, ggml_tensor.OpParams).CopyTo(new Span<int>(node->op_params, ggml_tensor.OpParams));
        node->op = operation;
    }

    public void Dispose() => _nodes.Dispose();

    private struct Node
    {
        public TSite Site;
        public fixed int Parameters[ggml_tensor.OpParams];
    }
}
