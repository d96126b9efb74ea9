using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>What the inner loop of a product is made of (Intel SDM, volume 2).</summary>
internal enum ProductInstructions
{
    None,

    /// <summary>VPDPBUSD of AVX-512 VNNI: sixteen times four products of bytes, added to sixteen ints.</summary>
    Bytes512,

    /// <summary>VPMADDWD of AVX2: eight times two products of words (16 bits).</summary>
    Words256,
}

/// <summary>What this processor has.</summary>
internal static class ProductInstructionSets
{
    /// <summary>The fastest of this processor within vectors of so many bits; 0 = any.</summary>
    public static ProductInstructions Best(int vectorBits) => vectorBits switch
    {
        0 or 512 when HasVnni => ProductInstructions.Bytes512,
        0 or 512 or 256 when HasAvx2 => ProductInstructions.Words256,
        _ => ProductInstructions.None,
    };

    // Code is assembled for the calling convention of 64-bit Linux. Leaf 7, ECX bit 11 = AVX512_VNNI; .NET has looked whether the system keeps the wide registers.
    private static bool HasVnni => HasAvx2 && Avx512BW.IsSupported && X86Base.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0;

    private static bool HasAvx2 => OperatingSystem.IsLinux() && Environment.Is64BitProcess && Avx2.IsSupported && Fma.IsSupported;
}
