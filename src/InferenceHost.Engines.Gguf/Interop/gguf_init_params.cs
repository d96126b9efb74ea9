namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>gguf.h, struct gguf_init_params.</summary>
internal unsafe struct gguf_init_params
{
    public byte no_alloc;
    public nint* ctx;
}
