using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>A context with what belongs to it, freed in the right order: the context uses the thread pool, and its graphs use the adapters.</summary>
internal sealed record EngineParts(LlamaContextHandle Context, GgmlThreadpoolHandle? Threads, Decoder Decoder, IAdapterPath Adapters, string? AdapterNote) : IDisposable
{
    public void Dispose()
    {
        Decoder.Dispose();
        Context.Dispose();
        Adapters.Dispose();
        Threads?.Dispose();
    }
}
