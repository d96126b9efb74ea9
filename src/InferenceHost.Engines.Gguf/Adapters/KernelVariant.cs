namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Which compiled form of the kernel runs: vector width and storage.</summary>
internal enum KernelVariant
{
    Int8Lanes128,
    Int8Lanes256,
    Int8Lanes512,
    HalfLanes128,
    HalfLanes256,
    HalfLanes512,
}

/// <summary>Chooses a variant once per engine.</summary>
internal static class KernelVariants
{
    /// <summary>The fastest one of this processor.</summary>
    public static KernelVariant Best(AdapterStorage storage) => Of(storage, Processors.VectorBits);

    /// <summary>A variant by vector width, 128, 256 or 512 bits; every one runs everywhere, if slowly.</summary>
    public static KernelVariant Of(AdapterStorage storage, int bits) => (storage, bits) switch
    {
        (AdapterStorage.Int8, 512) => KernelVariant.Int8Lanes512,
        (AdapterStorage.Int8, 256) => KernelVariant.Int8Lanes256,
        (AdapterStorage.Int8, _) => KernelVariant.Int8Lanes128,
        (_, 512) => KernelVariant.HalfLanes512,
        (_, 256) => KernelVariant.HalfLanes256,
        _ => KernelVariant.HalfLanes128,
    };
}
