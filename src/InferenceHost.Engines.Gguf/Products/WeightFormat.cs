namespace InferenceHost.Engines.Gguf.Products;

/// <summary>How ggml keeps a weight that the kernel knows.</summary>
internal enum WeightFormat
{
    None,

    /// <summary>q8_0: a column's blocks one behind the other, 32 signed bytes behind a half-precision scale.</summary>
    Q8,

    /// <summary>iq4_nl interleaved for eight columns at a time (block_iq4_nlx8): four bits number a value of the format's table.</summary>
    InterleavedIq4,

    /// <summary>q4_0 interleaved likewise (block_q4_0x8), with the top bit of each four turned round.</summary>
    InterleavedQ4,
}
