using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>What ggml calls for a rewritten attention node, on each of its threads: (node, thread, threads, user data = the site).</summary>
internal static unsafe class AttentionEntry
{
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ggml_tensor* node, int thread, int threads, void* userData) => Run((AttentionSite*)userData, thread);

    /// <summary>The same for a site at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(AttentionSite* site, int thread)
    {
        switch (site->Variant)
        {
            case AttentionVariant.Half512: AttentionKernel<Lanes512, Vector512<float>, HalfCells>.Run(site, thread); break;
            case AttentionVariant.Half256: AttentionKernel<Lanes256, Vector256<float>, HalfCells>.Run(site, thread); break;
            case AttentionVariant.Half128: AttentionKernel<Lanes128, Vector128<float>, HalfCells>.Run(site, thread); break;
            case AttentionVariant.Q8Lanes512: AttentionKernel<Lanes512, Vector512<float>, Q8Cells>.Run(site, thread); break;
            case AttentionVariant.Q8Lanes256: AttentionKernel<Lanes256, Vector256<float>, Q8Cells>.Run(site, thread); break;
            default: AttentionKernel<Lanes128, Vector128<float>, Q8Cells>.Run(site, thread); break;
        }
    }
}
