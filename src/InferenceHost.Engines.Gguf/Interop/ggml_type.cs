namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>ggml.h, enum ggml_type: the element types that this engine names itself.</summary>
internal enum ggml_type
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ4_NL = 20,
    I32 = 26,
    BF16 = 30,
}
