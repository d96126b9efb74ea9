using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>What ggml calls for a custom node, on each of its threads: (node, thread, threads, user data = the site).</summary>
internal static unsafe class LoraEntry
{
    /// <summary>The whole of a site, tile by tile.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Whole(ggml_tensor* node, int thread, int threads, void* userData)
    {
        var site = (RoutingSite*)userData;
        switch (site->Kernel)
        {
            case KernelVariant.Int8Lanes512: LoraSchedule<LoraLanes512, Vector512<float>, Int8Weights>.Whole(site, thread); break;
            case KernelVariant.Int8Lanes256: LoraSchedule<LoraLanes256, Vector256<float>, Int8Weights>.Whole(site, thread); break;
            case KernelVariant.Int8Lanes128: LoraSchedule<LoraLanes128, Vector128<float>, Int8Weights>.Whole(site, thread); break;
            case KernelVariant.HalfLanes512: LoraSchedule<LoraLanes512, Vector512<float>, HalfWeights>.Whole(site, thread); break;
            case KernelVariant.HalfLanes256: LoraSchedule<LoraLanes256, Vector256<float>, HalfWeights>.Whole(site, thread); break;
            default: LoraSchedule<LoraLanes128, Vector128<float>, HalfWeights>.Whole(site, thread); break;
        }
    }

    /// <summary>First pass of a shared site.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Down(ggml_tensor* node, int thread, int threads, void* userData)
    {
        var site = (RoutingSite*)userData;
        switch (site->Kernel)
        {
            case KernelVariant.Int8Lanes512: LoraSchedule<LoraLanes512, Vector512<float>, Int8Weights>.Down(site, thread, threads); break;
            case KernelVariant.Int8Lanes256: LoraSchedule<LoraLanes256, Vector256<float>, Int8Weights>.Down(site, thread, threads); break;
            case KernelVariant.Int8Lanes128: LoraSchedule<LoraLanes128, Vector128<float>, Int8Weights>.Down(site, thread, threads); break;
            case KernelVariant.HalfLanes512: LoraSchedule<LoraLanes512, Vector512<float>, HalfWeights>.Down(site, thread, threads); break;
            case KernelVariant.HalfLanes256: LoraSchedule<LoraLanes256, Vector256<float>, HalfWeights>.Down(site, thread, threads); break;
            default: LoraSchedule<LoraLanes128, Vector128<float>, HalfWeights>.Down(site, thread, threads); break;
        }
    }

    /// <summary>Second pass of a shared site.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Up(ggml_tensor* node, int thread, int threads, void* userData)
    {
        var site = (RoutingSite*)userData;
        switch (site->Kernel)
        {
            case KernelVariant.Int8Lanes512: LoraSchedule<LoraLanes512, Vector512<float>, Int8Weights>.Up(site, thread, threads); break;
            case KernelVariant.Int8Lanes256: LoraSchedule<LoraLanes256, Vector256<float>, Int8Weights>.Up(site, thread, threads); break;
            case KernelVariant.Int8Lanes128: LoraSchedule<LoraLanes128, Vector128<float>, Int8Weights>.Up(site, thread, threads); break;
            case KernelVariant.HalfLanes512: LoraSchedule<LoraLanes512, Vector512<float>, HalfWeights>.Up(site, thread, threads); break;
            case KernelVariant.HalfLanes256: LoraSchedule<LoraLanes256, Vector256<float>, HalfWeights>.Up(site, thread, threads); break;
            default: LoraSchedule<LoraLanes128, Vector128<float>, HalfWeights>.Up(site, thread, threads); break;
        }
    }
}
