namespace InferenceHost.Engines.Gguf.Products;

/// <summary>How ggml keeps a weight that the kernel knows: a column's blocks one behind the other, or interleaved for eight columns at a time (CPU_REPACK).</summary>
internal enum WeightFormat
{
    None,
    Q8_0,
    Q5_0,
    Q5_1,
    Q4_1,
    Q5_K,
    Q6_K,
    InterleavedIQ4_NL,
    InterleavedQ4_0,
    InterleavedQ4_K,
}

/// <summary>What follows from a format.</summary>
internal static class WeightFormats
{
    /// <summary>Inputs that ggml keeps together: a column has a multiple of them.</summary>
    public static int StoredInputs(this WeightFormat format) => format is WeightFormat.Q5_K or WeightFormat.Q6_K or WeightFormat.InterleavedQ4_K ? 256 : 32;

    /// <summary>
    /// Rows from which on unpacking a weight first is worth it, as measured: for fewer ggml's kernels read weights faster than we unpack them, K formats above all.
    /// </summary>
    public static int LeastRows(this WeightFormat format, ProductInstructions instructions) => (format.StoredInputs(), instructions) switch
    {
        (256, ProductInstructions.Words256) => 6,
        (256, _) => 3,
        (_, ProductInstructions.Words256) => 2,
        _ => 1,
    };

    public static ProductLayout Layout(this WeightFormat format, ProductInstructions instructions) => format switch
    {
        WeightFormat.Q6_K => new ProductLayout(16, false, instructions),
        WeightFormat.Q4_1 or WeightFormat.Q5_1 or WeightFormat.Q5_K or WeightFormat.InterleavedQ4_K => new ProductLayout(32, true, instructions),
        _ => new ProductLayout(32, false, instructions),
    };
}
