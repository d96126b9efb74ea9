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
        var wide = Vector128.WidenLower(Vector64.Load((short*)from).ToVector128Unsafe());
        return (((wide << 13) & Vector128.Create(HalfBits)) + Vector128.Create(HalfBias)).AsSingle();
    }

    /// <summary>Sign and magnitude of a sign-extended half that was moved up by 13.</summary>
    internal const int HalfBits = unchecked((int)0x8FFFE000);

    /// <summary>
    /// 112, from the half's exponent bias to the single's. Stored halves are never subnormal (<see cref="AdapterReader"/> scales each rank up and drops what is
    /// below 2^-28 of its largest), and a zero becomes 2^-15, 2^-29 of the largest: no denormal numbers ever, which would cost a hundred cycles each.
    /// </summary>
    internal const int HalfBias = 112 << 23;
}
