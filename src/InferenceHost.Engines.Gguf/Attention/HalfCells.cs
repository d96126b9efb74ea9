using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Adapters;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Half precision, exact for every finite number: the bits moved to where a single has them, times 2^112 for the difference of the exponent biases.
/// Infinities become 2^16 times a mantissa; a cache that holds them is past saving.
/// </summary>
internal readonly unsafe struct HalfCells : ICellFormat
{
    private const float Bias = 5.192296858534828e33f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* row, int index)
        where TVector : struct
    {
        var at = (short*)row + index;
        if (typeof(TVector) == typeof(Vector512<float>))
            return Unsafe.BitCast<Vector512<float>, TVector>(Widen512(at));
        if (typeof(TVector) == typeof(Vector256<float>))
            return Unsafe.BitCast<Vector256<float>, TVector>(Widen256(at));
        return Unsafe.BitCast<Vector128<float>, TVector>(Widen128(at));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen512(short* at)
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(Widen256(at), Widen256(at + 8));
        return Widen(Vector256.Load(at));
    }

    /// <summary>Sixteen numbers; needs AVX-512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector256<short> bits) =>
        ((Avx512F.ConvertToVector512Int32(bits) << 13) & Vector512.Create(LoraLanes128.HalfBits)).AsSingle() * Vector512.Create(Bias);

    /// <summary>The numbers in the lower halves of eight ints.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WidenLower(Vector256<int> bits) =>
        (((bits << 16 >> 3) & Vector256.Create(LoraLanes128.HalfBits)).AsSingle()) * Vector256.Create(Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen256(short* at)
    {
        var bits = Vector128.Load(at);
        var wide = Avx2.IsSupported ? Avx2.ConvertToVector256Int32(bits) : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits));
        return ((wide << 13) & Vector256.Create(LoraLanes128.HalfBits)).AsSingle() * Vector256.Create(Bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Widen128(short* at)
    {
        var wide = Vector128.WidenLower(Vector64.Load(at).ToVector128Unsafe());
        return ((wide << 13) & Vector128.Create(LoraLanes128.HalfBits)).AsSingle() * Vector128.Create(Bias);
    }
}
