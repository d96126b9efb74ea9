using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Owns a llama_adapter_lora; keeps its model alive.</summary>
internal sealed class LlamaAdapterHandle : ChildHandle
{
    private LlamaAdapterHandle(LlamaModelHandle model) : base(model)
    {
    }

    /// <summary>Loads an adapter file with llama.cpp's own loader; throws with its words where it refuses.</summary>
    public static LlamaAdapterHandle Load(LlamaModelHandle model, string path)
    {
        var adapter = new LlamaAdapterHandle(model);
        using var log = NativeLog.Collect();
        adapter.SetHandle(LibLlama.llama_adapter_lora_init(model, path));
        if (!adapter.IsInvalid)
            return adapter;
        adapter.ReleaseParent();
        adapter.SetHandleAsInvalid();
        throw new EngineException($"llama.cpp could not load the adapter {path}: {log.Summary}");
    }

    protected override void Free(nint value) => LibLlama.llama_adapter_lora_free(value);
}
