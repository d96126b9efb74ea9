namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, enum ggml_type: the element types that this engine names itself.</summary>
internal enum ggml_type
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q8_0 = 8,
    IQ4_NL = 20,
    BF16 = 30,
}
