namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Which compiled form of the kernel runs: format of the cells and vector width in bits.</summary>
internal enum AttentionVariant
{
    Half128,
    Half256,
    Half512,
    Q8Lanes128,
    Q8Lanes256,
    Q8Lanes512,
}

/// <summary>Chooses a variant per node.</summary>
internal static class AttentionVariants
{
    /// <summary>The variant for rows of these sizes; false where no vector width divides them.</summary>
    public static bool TryPick(bool isQ8, int keySize, int valueSize, int widest, out AttentionVariant variant)
    {
        var bits = widest;
        while (bits >= 128 && (keySize % (bits / 32) != 0 || valueSize % (bits / 32) != 0))
            bits /= 2;
        variant = (isQ8, bits) switch
        {
            (true, 512) => AttentionVariant.Q8Lanes512,
            (true, 256) => AttentionVariant.Q8Lanes256,
            (true, _) => AttentionVariant.Q8Lanes128,
            (_, 512) => AttentionVariant.Half512,
            (_, 256) => AttentionVariant.Half256,
            _ => AttentionVariant.Half128,
        };
        return bits >= 128;
    }
}
