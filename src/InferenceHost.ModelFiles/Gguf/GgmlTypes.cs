namespace InferenceHost.ModelFiles.Gguf;

/// <summary>Block geometry of the ggml element types and what each may be used for.</summary>
public static class GgmlTypes
{
    // Indexed by type number; a block size of 0 marks a number that no file may use.
    private static readonly (ushort Elements, ushort Bytes)[] Blocks = BuildTable();

    /// <summary>Elements per block and bytes per block; false for numbers that ggml does not define or has withdrawn.</summary>
    public static bool TryGetBlock(uint type, out int elements, out int bytes)
    {
        (elements, bytes) = type < (uint)Blocks.Length ? Blocks[type] : default;
        return elements != 0;
    }

    /// <summary>Elements per block of a defined type.</summary>
    public static int BlockElements(GgmlType type) => Blocks[(uint)type].Elements;

    /// <summary>Bytes per block of a defined type.</summary>
    public static int BlockBytes(GgmlType type) => Blocks[(uint)type].Bytes;

    /// <summary>Whether a weight matrix of this type can be multiplied and looked up by the engine.</summary>
    public static bool IsWeightType(GgmlType type) => type switch
    {
        GgmlType.Q8_1 or GgmlType.Q8_K => false,
        GgmlType.I8 or GgmlType.I16 or GgmlType.I32 or GgmlType.I64 or GgmlType.F64 => false,
        _ => true,
    };

    /// <summary>Whether the numbers of an adapter may have this type: what training writes, and the one quantised type of
    /// converters.</summary>
    public static bool IsAdapterType(GgmlType type) => type is GgmlType.F32 or GgmlType.F16 or GgmlType.BF16 or GgmlType.Q8_0;

    private static (ushort, ushort)[] BuildTable()
    {
        var table = new (ushort, ushort)[43];
        void Set(GgmlType type, int elements, int bytes) => table[(uint)type] = ((ushort)elements, (ushort)bytes);
        Set(GgmlType.F32, 1, 4);
        Set(GgmlType.F16, 1, 2);
        Set(GgmlType.BF16, 1, 2);
        Set(GgmlType.F64, 1, 8);
        Set(GgmlType.I8, 1, 1);
        Set(GgmlType.I16, 1, 2);
        Set(GgmlType.I32, 1, 4);
        Set(GgmlType.I64, 1, 8);
        Set(GgmlType.Q4_0, 32, 2 + 16);
        Set(GgmlType.Q4_1, 32, 4 + 16);
        Set(GgmlType.Q5_0, 32, 2 + 4 + 16);
        Set(GgmlType.Q5_1, 32, 4 + 4 + 16);
        Set(GgmlType.Q8_0, 32, 2 + 32);
        Set(GgmlType.Q8_1, 32, 4 + 32);
        Set(GgmlType.Q2_K, 256, 4 + 16 + 64);
        Set(GgmlType.Q3_K, 256, 2 + 64 + 32 + 12);
        Set(GgmlType.Q4_K, 256, 4 + 12 + 128);
        Set(GgmlType.Q5_K, 256, 4 + 12 + 128 + 32);
        Set(GgmlType.Q6_K, 256, 2 + 16 + 192);
        Set(GgmlType.Q8_K, 256, 4 + 256 + 32);
        Set(GgmlType.IQ2_XXS, 256, 2 + 64);
        Set(GgmlType.IQ2_XS, 256, 2 + 64 + 8);
        Set(GgmlType.IQ2_S, 256, 2 + 64 + 16);
        Set(GgmlType.IQ3_XXS, 256, 2 + 96);
        Set(GgmlType.IQ3_S, 256, 2 + 104 + 4);
        Set(GgmlType.IQ1_S, 256, 2 + 32 + 16);
        Set(GgmlType.IQ1_M, 256, 32 + 16 + 8);
        Set(GgmlType.IQ4_NL, 32, 2 + 16);
        Set(GgmlType.IQ4_XS, 256, 2 + 2 + 4 + 128);
        Set(GgmlType.TQ1_0, 256, 2 + 4 + 48);
        Set(GgmlType.TQ2_0, 256, 2 + 64);
        Set(GgmlType.MXFP4, 32, 1 + 16);
        Set(GgmlType.NVFP4, 64, 4 + 32);
        Set(GgmlType.Q1_0, 128, 2 + 16);
        Set(GgmlType.Q2_0, 64, 2 + 16);
        return table;
    }
}
