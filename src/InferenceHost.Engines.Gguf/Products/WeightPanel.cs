using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Writes sixteen columns of a weight as a panel (<see cref="ProductLayout"/>). Behind the last column come repeated ones. Needs AVX-512 (F, BW).</summary>
internal static unsafe class WeightPanel
{
    private const int Interleaved = 8, HalfBytes = 2, NibbleBytes = ProductLayout.BlockInputs / 2;
    private const int InterleavedBytes = Interleaved * (HalfBytes + NibbleBytes), InterleavedScales = Interleaved * HalfBytes;
    private const int CacheLine = 64;
    private const int Q8Bytes = HalfBytes + ProductLayout.BlockInputs;

    // The table of iq4_nl (ggml-common.h, kvalues_iq4nl) and the values of turned q4_0, above ProductLayout.WeightBias.
    private static ReadOnlySpan<byte> Iq4Values => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    private static ReadOnlySpan<byte> Q4Values => [128, 129, 130, 131, 132, 133, 134, 135, 120, 121, 122, 123, 124, 125, 126, 127];

    /// <summary>Reads panel number <paramref name="panel"/> of a weight, and fetches the one <paramref name="ahead"/> panels further on, which this thread will most likely read next.</summary>
    public static void Read(in ProductWeight weight, int panel, int ahead, byte* target)
    {
        switch (weight.Format)
        {
            case WeightFormat.Q8: ReadQ8(weight, panel, ahead, target); break;
            case WeightFormat.InterleavedIq4: ReadNibbles(weight, panel, ahead, Iq4Values, target); break;
            default: ReadNibbles(weight, panel, ahead, Q4Values, target); break;
        }
    }

    // A panel's columns lie one behind the other, in whatever order within.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* from, int bytes)
    {
        for (var at = 0; at < bytes; at += CacheLine)
            Sse.Prefetch1(from + at);
    }

    // Of eight columns: eight scales, then eight bytes of each column, then the other eight. A byte has input j below and input j + 16 above.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadNibbles(in ProductWeight weight, int panel, int ahead, ReadOnlySpan<byte> values, byte* target)
    {
        var table = Vector512.Create(Vector256.Create(Vector128.Create(values), Vector128.Create(values)), Vector256.Create(Vector128.Create(values), Vector128.Create(values)));
        var even = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        var odd = even + Vector512<int>.One;
        var low = Vector512.Create((byte)15);
        var (blocks, first) = (weight.Blocks, panel * 2);
        var left = weight.Data + ((nint)first * blocks * InterleavedBytes);
        var right = (first + 1) * Interleaved < weight.Columns ? left + ((nint)blocks * InterleavedBytes) : left;
        var next = left + ((nint)ahead * 2 * blocks * InterleavedBytes);
        for (var block = 0; block < blocks; block++)
        {
            Fetch(next, 2 * InterleavedBytes);
            next += 2 * InterleavedBytes;
            HalfCells.Widen(Vector256.Create(Vector128.Load((short*)left), Vector128.Load((short*)right))).Store((float*)target);
            Vector512<int> l0 = Vector512.Load((int*)(left + InterleavedScales)), r0 = Vector512.Load((int*)(right + InterleavedScales));
            Vector512<int> l1 = Vector512.Load((int*)(left + InterleavedScales + 64)), r1 = Vector512.Load((int*)(right + InterleavedScales + 64));
            var at = target + ProductLayout.ScaleBytes;
            Write(Avx512F.PermuteVar16x32x2(l0, even, r0), table, low, at);
            Write(Avx512F.PermuteVar16x32x2(l0, odd, r0), table, low, at + 64);
            Write(Avx512F.PermuteVar16x32x2(l1, even, r1), table, low, at + 128);
            Write(Avx512F.PermuteVar16x32x2(l1, odd, r1), table, low, at + 192);
            left += InterleavedBytes;
            right += InterleavedBytes;
            target += ProductLayout.PanelBlockBytes;
        }
    }

    // Four inputs of sixteen columns from the lower halves of the bytes, and those sixteen inputs on from the upper ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector512<int> packed, Vector512<byte> table, Vector512<byte> low, byte* at)
    {
        Avx512BW.Shuffle(table, packed.AsByte() & low).Store(at);
        Avx512BW.Shuffle(table, (packed >>> 4).AsByte() & low).Store(at + (NibbleBytes * ProductLayout.PanelColumns));
    }

    // A transposition of 16 x 8 groups of four bytes: columns c and c + 8 share a vector, one in each half.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadQ8(in ProductWeight weight, int panel, int ahead, byte* target)
    {
        var bias = Vector512.Create((byte)ProductLayout.WeightBias);
        // Chooses the same quarter (128 bits) of each half of a pair: first that of the first vector, then that of the second.
        var lower = Vector512.Create(0L, 1, 8, 9, 4, 5, 12, 13);
        var upper = Vector512.Create(2L, 3, 10, 11, 6, 7, 14, 15);
        var start = weight.Data + ((nint)panel * ProductLayout.PanelColumns * weight.Stride);
        var next = start + ((nint)ahead * ProductLayout.PanelColumns * weight.Stride);
        var columns = Math.Min(weight.Columns - (panel * ProductLayout.PanelColumns), ProductLayout.PanelColumns) - 1;
        var column = stackalloc int[ProductLayout.PanelColumns];
        for (var c = 0; c < ProductLayout.PanelColumns; c++)
            column[c] = Math.Min(c, columns) * (int)weight.Stride;
        Vector256<int> offsets0 = Vector256.Load(column), offsets1 = Vector256.Load(column + 8);
        for (var block = 0; block < weight.Blocks; block++)
        {
            Fetch(next, ProductLayout.PanelColumns * Q8Bytes);
            next += ProductLayout.PanelColumns * Q8Bytes;
            // Four bytes of which two are the scale.
            var scales = Vector512.Create(Avx2.GatherVector256((int*)start, offsets0, 1), Avx2.GatherVector256((int*)start, offsets1, 1));
            HalfCells.Widen(Avx512F.ConvertToVector256Int16(scales)).Store((float*)target);
            var from = start + HalfBytes;
            var (a0, a1) = Interleave(Pair(from, column, 0), Pair(from, column, 1));
            var (a2, a3) = Interleave(Pair(from, column, 2), Pair(from, column, 3));
            var (a4, a5) = Interleave(Pair(from, column, 4), Pair(from, column, 5));
            var (a6, a7) = Interleave(Pair(from, column, 6), Pair(from, column, 7));
            var at = target + ProductLayout.ScaleBytes;
            WriteQuarters(Low(a0, a2), Low(a4, a6), lower, upper, bias, at);
            WriteQuarters(High(a0, a2), High(a4, a6), lower, upper, bias, at + 64);
            WriteQuarters(Low(a1, a3), Low(a5, a7), lower, upper, bias, at + 128);
            WriteQuarters(High(a1, a3), High(a5, a7), lower, upper, bias, at + 192);
            start += Q8Bytes;
            target += ProductLayout.PanelBlockBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pair(byte* from, int* column, int number) =>
        Vector512.Create(Vector256.Load((int*)(from + column[number])), Vector256.Load((int*)(from + column[number + 8])));

    // Groups (a0 b0 a1 b1) and (a2 b2 a3 b3) of every quarter.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<long> Low, Vector512<long> High) Interleave(Vector512<int> a, Vector512<int> b) =>
        (Avx512F.UnpackLow(a, b).AsInt64(), Avx512F.UnpackHigh(a, b).AsInt64());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<long> Low(Vector512<long> a, Vector512<long> b) => Avx512F.UnpackLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<long> High(Vector512<long> a, Vector512<long> b) => Avx512F.UnpackHigh(a, b);

    // Columns 0-3 and 8-11 in one, 4-7 and 12-15 in the other: inputs of the lower quarter of each half first, those sixteen inputs on behind them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteQuarters(Vector512<long> first, Vector512<long> second, Vector512<long> lower, Vector512<long> upper, Vector512<byte> bias, byte* at)
    {
        (Avx512F.PermuteVar8x64x2(first, lower, second).AsByte() ^ bias).Store(at);
        (Avx512F.PermuteVar8x64x2(first, upper, second).AsByte() ^ bias).Store(at + (NibbleBytes * ProductLayout.PanelColumns));
    }
}
