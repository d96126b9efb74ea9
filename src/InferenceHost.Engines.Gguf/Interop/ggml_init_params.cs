namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, struct ggml_init_params.</summary>
internal struct ggml_init_params
{
    public nuint mem_size;
    public nint mem_buffer;
    public byte no_alloc;
}
