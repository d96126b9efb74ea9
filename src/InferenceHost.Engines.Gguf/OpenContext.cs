using InferenceHost.Engines.Gguf.Attention;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>A context with the threads that compute it and what rewrites its graphs.</summary>
internal sealed record OpenContext(LlamaContextHandle Context, GgmlThreadpoolHandle? Threads, GraphHook? Hook, AttentionRewriter? Attention) : IDisposable
{
    public void Dispose()
    {
        Context.Dispose();
        Threads?.Dispose();
        Hook?.Dispose();
        Attention?.Dispose();
    }
}
