using InferenceHost.Engines.Gguf.Attention;
using InferenceHost.Engines.Gguf.Interop;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf;

/// <summary>A context with the threads that compute it and what rewrites its graphs.</summary>
internal sealed record OpenContext(LlamaContextHandle Context, GgmlThreadpoolHandle? Threads, GraphHook? Hook, AttentionRewriter? Attention, ProductRewriter? Products) : IDisposable
{
    /// <summary>Kernels that a model may have nodes for.</summary>
    public IReadOnlyList<IKernelRewriter> Kernels { get; } = [.. new IKernelRewriter?[] { Attention, Products }.OfType<IKernelRewriter>()];

    public void Dispose()
    {
        Context.Dispose();
        Threads?.Dispose();
        Hook?.Dispose();
        Attention?.Dispose();
        Products?.Dispose();
    }
}
