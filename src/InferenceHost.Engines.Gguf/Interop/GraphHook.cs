using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>
/// libllama's evaluation callback: it asks about every node before it computes a graph, and the visitors rewrite nodes then. Must outlive the context.
/// With a callback ggml hands a graph to the backend as a view without a number, so that CUDA compares it node by node before it replays it: where no visitor needs to see the
/// nodes, the callback is taken off. libllama puts it back on for every new graph.
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

    /// <summary>Puts the callback on, or takes it off where graphs that are used again need not be seen. Before each call.</summary>
    public void Begin(LlamaContextHandle context)
    {
        if (!NativeLibraries.Ensure().ShowsScheduler)
            return;
        var scheduler = LibLlama.llama_context_get_sched(context);
        if (Array.Exists(_visitors, visitor => visitor.NeedsNodes))
            LibGgmlBase.ggml_backend_sched_set_eval_callback(scheduler, &OnNode, (void*)GCHandle.ToIntPtr(_self));
        else
            LibGgmlBase.ggml_backend_sched_set_eval_callback(scheduler, null, null);
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
