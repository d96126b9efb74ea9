using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Vectors of sixteen floats; AVX-512 where the processor has it.</summary>
internal readonly unsafe struct LoraLanes512 : ILoraLanes<Vector512<float>>
{
    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> vector) => Vector512.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(sbyte* from)
    {
        if (Avx512F.IsSupported)
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(from)));
        return Vector512.Create(LoraLanes256.Widen(from), LoraLanes256.Widen(from + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Half* from)
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(LoraLanes256.Widen(from), LoraLanes256.Widen(from + 8));
        var wide = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)from));
        return (((wide << 13) & Vector512.Create(LoraLanes128.HalfBits)) + Vector512.Create(LoraLanes128.HalfBias)).AsSingle();
    }
}
