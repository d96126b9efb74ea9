namespace InferenceHost.ModelFiles.Gguf;

/// <summary>Element type of a tensor: the numbers of ggml as of llama.cpp v0.5.0. Numbers that were withdrawn are absent.</summary>
public enum GgmlType : uint
{
    /// <summary>IEEE 754 binary32.</summary>
    F32 = 0,

    /// <summary>IEEE 754 binary16.</summary>
    F16 = 1,

    /// <summary>Blocks of 32, 4 bits and a scale.</summary>
    Q4_0 = 2,

    /// <summary>Blocks of 32, 4 bits, scale and minimum.</summary>
    Q4_1 = 3,

    /// <summary>Blocks of 32, 5 bits and a scale.</summary>
    Q5_0 = 6,

    /// <summary>Blocks of 32, 5 bits, scale and minimum.</summary>
    Q5_1 = 7,

    /// <summary>Blocks of 32, 8 bits and a scale.</summary>
    Q8_0 = 8,

    /// <summary>Intermediate format for dot products.</summary>
    Q8_1 = 9,

    /// <summary>K-quant, 2 bits.</summary>
    Q2_K = 10,

    /// <summary>K-quant, 3 bits.</summary>
    Q3_K = 11,

    /// <summary>K-quant, 4 bits.</summary>
    Q4_K = 12,

    /// <summary>K-quant, 5 bits.</summary>
    Q5_K = 13,

    /// <summary>K-quant, 6 bits.</summary>
    Q6_K = 14,

    /// <summary>Intermediate format for dot products.</summary>
    Q8_K = 15,

    /// <summary>Codebook quantisation, 2.06 bits.</summary>
    IQ2_XXS = 16,

    /// <summary>Codebook quantisation, 2.31 bits.</summary>
    IQ2_XS = 17,

    /// <summary>Codebook quantisation, 3.06 bits.</summary>
    IQ3_XXS = 18,

    /// <summary>Codebook quantisation, 1.56 bits.</summary>
    IQ1_S = 19,

    /// <summary>Non-linear 4 bits, blocks of 32.</summary>
    IQ4_NL = 20,

    /// <summary>Codebook quantisation, 3.44 bits.</summary>
    IQ3_S = 21,

    /// <summary>Codebook quantisation, 2.5 bits.</summary>
    IQ2_S = 22,

    /// <summary>Non-linear 4 bits, blocks of 256.</summary>
    IQ4_XS = 23,

    /// <summary>8-bit integer.</summary>
    I8 = 24,

    /// <summary>16-bit integer.</summary>
    I16 = 25,

    /// <summary>32-bit integer.</summary>
    I32 = 26,

    /// <summary>64-bit integer.</summary>
    I64 = 27,

    /// <summary>IEEE 754 binary64.</summary>
    F64 = 28,

    /// <summary>Codebook quantisation, 1.75 bits.</summary>
    IQ1_M = 29,

    /// <summary>bfloat16.</summary>
    BF16 = 30,

    /// <summary>Ternary, 1.69 bits.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary, 2.06 bits.</summary>
    TQ2_0 = 35,

    /// <summary>Microscaling FP4, blocks of 32.</summary>
    MXFP4 = 39,

    /// <summary>NVIDIA FP4, blocks of 64 with four scales.</summary>
    NVFP4 = 40,

    /// <summary>Binary, blocks of 128.</summary>
    Q1_0 = 41,

    /// <summary>2 bits, blocks of 64.</summary>
    Q2_0 = 42,
}
