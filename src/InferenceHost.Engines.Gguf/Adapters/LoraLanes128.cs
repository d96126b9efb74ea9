using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Portable vectors of four floats.</summary>
internal readonly unsafe struct LoraLanes128 : ILoraLanes<Vector128<float>>
{
    public static int Width => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> vector) => Vector128.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widen(sbyte* from)
    {
        var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(from)).AsSByte();
        return Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(bytes)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widen(Half* from)
    {
        var wide = Vector128.WidenLower(Vector64.Load((ushort*)from).ToVector128Unsafe());
        // Exponent and mantissa moved up, then scaled by 2^112: right for subnormal halves too.
        var magnitude = ((wide & Vector128.Create(0x7fffu)) << 13).AsSingle() * Vector128.Create(HalfScale);
        return (magnitude.AsUInt32() | ((wide & Vector128.Create(0x8000u)) << 16)).AsSingle();
    }

    /// <summary>2^112: from the half's exponent bias to the single's.</summary>
    internal const float HalfScale = 5.192296858534828e33f;
}
