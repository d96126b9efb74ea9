using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>
/// libllama's evaluation callback: it asks about every node before it computes a graph, and the visitors rewrite nodes then. Must outlive the context.
/// </summary>
internal sealed unsafe class GraphHook : IDisposable
{
    private readonly INodeVisitor[] _visitors;
    private GCHandle _self;

    public GraphHook(params INodeVisitor[] visitors)
    {
        _visitors = visitors;
        _self = GCHandle.Alloc(this);
    }

    /// <summary>Puts the callback into the parameters of the context to be.</summary>
    public void Attach(ref llama_context_params parameters)
    {
        parameters.cb_eval = &OnNode;
        parameters.cb_eval_user_data = (void*)GCHandle.ToIntPtr(_self);
    }

    public void Dispose()
    {
        if (_self.IsAllocated)
            _self.Free();
    }

    // False = go on without waiting for this node.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte OnNode(ggml_tensor* node, byte ask, void* userData)
    {
        if (ask != 0 && GCHandle.FromIntPtr((nint)userData).Target is GraphHook hook)
            foreach (var visitor in hook._visitors)
                visitor.Visit(node);
        return 0;
    }
}
