using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Turns a tile of rows into one of columns, so that vectors run along the rows' numbers.</summary>
internal static unsafe class Turning<TLanes, TVector>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
{
    // What a quarter of the widest vector holds.
    private const int Quad = 4;

    /// <summary><c>target[at][row] = source[row][at]</c>, four numbers of as many rows as a vector has lanes at a time.</summary>
    /// <param name="source">[row][<paramref name="size"/>].</param>
    /// <param name="size">Numbers of a row, a multiple of four.</param>
    /// <param name="rows">Rows, whole vectors.</param>
    /// <param name="target">[at][row], rows <paramref name="stride"/> floats apart.</param>
    /// <param name="stride">Floats between what was neighbouring in the source.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* source, int size, int rows, float* target, int stride)
    {
        for (var row = 0; row < rows; row += TLanes.Width, source += TLanes.Width * size, target += TLanes.Width)
        {
            for (var at = 0; at < size; at += Quad)
            {
                var (a, b) = (Quads(source + at, size), Quads(source + size + at, size));
                var (c, d) = (Quads(source + (2 * size) + at, size), Quads(source + (3 * size) + at, size));
                var (ac, ac2, bd, bd2) = (Low(a, c), High(a, c), Low(b, d), High(b, d));
                var to = target + (at * stride);
                TLanes.Store(Low(ac, bd), ref *to, 0);
                TLanes.Store(High(ac, bd), ref *to, stride);
                TLanes.Store(Low(ac2, bd2), ref *to, 2 * stride);
                TLanes.Store(High(ac2, bd2), ref *to, 3 * stride);
            }
        }
    }

    // Four numbers of a row, of the fourth row after it, and so on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Quads(float* from, int size)
    {
        var next = from + (Quad * size);
        if (typeof(TVector) == typeof(Vector128<float>))
            return Unsafe.BitCast<Vector128<float>, TVector>(Vector128.Load(from));
        var low = Vector256.Create(Vector128.Load(from), Vector128.Load(next));
        if (typeof(TVector) == typeof(Vector256<float>))
            return Unsafe.BitCast<Vector256<float>, TVector>(low);
        next += Quad * size;
        var high = Vector256.Create(Vector128.Load(next), Vector128.Load(next + (Quad * size)));
        return Unsafe.BitCast<Vector512<float>, TVector>(Vector512.Create(low, high));
    }

    // Within each four lanes: the first two of both vectors, taking turns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Low(TVector a, TVector b)
    {
        if (typeof(TVector) == typeof(Vector512<float>) && Avx512F.IsSupported)
            return Unsafe.BitCast<Vector512<float>, TVector>(Avx512F.UnpackLow(Unsafe.BitCast<TVector, Vector512<float>>(a), Unsafe.BitCast<TVector, Vector512<float>>(b)));
        if (typeof(TVector) == typeof(Vector512<float>))
        {
            var (x, y) = (Unsafe.BitCast<TVector, Vector512<float>>(a), Unsafe.BitCast<TVector, Vector512<float>>(b));
            return Unsafe.BitCast<Vector512<float>, TVector>(Vector512.Create(Low(x.GetLower(), y.GetLower()), Low(x.GetUpper(), y.GetUpper())));
        }
        if (typeof(TVector) == typeof(Vector256<float>))
            return Unsafe.BitCast<Vector256<float>, TVector>(Low(Unsafe.BitCast<TVector, Vector256<float>>(a), Unsafe.BitCast<TVector, Vector256<float>>(b)));
        return Unsafe.BitCast<Vector128<float>, TVector>(Low(Unsafe.BitCast<TVector, Vector128<float>>(a), Unsafe.BitCast<TVector, Vector128<float>>(b)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Low(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported ? Avx.UnpackLow(a, b) : Vector256.Create(Low(a.GetLower(), b.GetLower()), Low(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    // The last two.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector High(TVector a, TVector b)
    {
        if (typeof(TVector) == typeof(Vector512<float>) && Avx512F.IsSupported)
            return Unsafe.BitCast<Vector512<float>, TVector>(Avx512F.UnpackHigh(Unsafe.BitCast<TVector, Vector512<float>>(a), Unsafe.BitCast<TVector, Vector512<float>>(b)));
        if (typeof(TVector) == typeof(Vector512<float>))
        {
            var (x, y) = (Unsafe.BitCast<TVector, Vector512<float>>(a), Unsafe.BitCast<TVector, Vector512<float>>(b));
            return Unsafe.BitCast<Vector512<float>, TVector>(Vector512.Create(High(x.GetLower(), y.GetLower()), High(x.GetUpper(), y.GetUpper())));
        }
        if (typeof(TVector) == typeof(Vector256<float>))
            return Unsafe.BitCast<Vector256<float>, TVector>(High(Unsafe.BitCast<TVector, Vector256<float>>(a), Unsafe.BitCast<TVector, Vector256<float>>(b)));
        return Unsafe.BitCast<Vector128<float>, TVector>(High(Unsafe.BitCast<TVector, Vector128<float>>(a), Unsafe.BitCast<TVector, Vector128<float>>(b)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> High(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported ? Avx.UnpackHigh(a, b) : Vector256.Create(High(a.GetLower(), b.GetLower()), High(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);
}
