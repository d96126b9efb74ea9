using System.Runtime.CompilerServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Signed bytes; their scales are folded into <see cref="ModuleWeights.Scales"/>.</summary>
internal readonly unsafe struct Int8Weights : IWeightFormat
{
    public static int Bytes => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* weights)
        where TLanes : struct, ILoraLanes<TVector>
        where TVector : struct => TLanes.Widen((sbyte*)weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* weights) => *(sbyte*)weights;
}
