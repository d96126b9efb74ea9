using System.Runtime.CompilerServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Half precision.</summary>
internal readonly unsafe struct HalfWeights : IWeightFormat
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* weights)
        where TLanes : struct, ILoraLanes<TVector>
        where TVector : struct => TLanes.Widen((Half*)weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* weights) => (float)*(Half*)weights;
}
