namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml-backend.h, enum ggml_backend_dev_type.</summary>
internal enum ggml_backend_dev_type
{
    Cpu = 0,
    Gpu = 1,
    IntegratedGpu = 2,
    Accelerator = 3,
    Meta = 4,
}
