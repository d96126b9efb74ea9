using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Owns a llama_context; keeps its model alive.</summary>
internal sealed class LlamaContextHandle : ChildHandle
{
    private LlamaContextHandle(LlamaModelHandle model) : base(model)
    {
    }

    /// <summary>Creates a context; throws with llama.cpp's own words where it refuses.</summary>
    public static LlamaContextHandle Create(LlamaModelHandle model, llama_context_params parameters)
    {
        var context = new LlamaContextHandle(model);
        using var log = NativeLog.Collect();
        context.SetHandle(LibLlama.llama_init_from_model(model, parameters));
        if (!context.IsInvalid)
            return context;
        context.ReleaseParent();
        context.SetHandleAsInvalid();
        throw new EngineException($"llama.cpp could not create a context: {log.Summary}");
    }

    protected override void Free(nint value) => LibLlama.llama_free(value);
}
