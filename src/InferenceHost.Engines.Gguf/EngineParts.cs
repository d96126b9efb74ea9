using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf;

/// <summary>A context with what belongs to it, freed in the right order: its graphs use what comes behind it.</summary>
internal sealed record EngineParts(OpenContext Open, Decoder Decoder, IAdapterPath Adapters) : IDisposable
{
    public LlamaContextHandle Context => Open.Context;

    /// <summary>Why adapters are not routed per row although that was wanted; null where they are.</summary>
    public string? AdapterNote { get; init; }

    public void Dispose()
    {
        Decoder.Dispose();
        Open.Dispose();
        Adapters.Dispose();
    }
}
