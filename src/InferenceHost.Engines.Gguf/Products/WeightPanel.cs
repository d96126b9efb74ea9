using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Writes sixteen columns of a weight as a panel (<see cref="ProductLayout"/>). Behind the last column come repeated ones. Needs AVX-512 (F, BW).</summary>
internal static unsafe class WeightPanel
{
    private const int CacheLine = 64;

    /// <summary>Reads panel number <paramref name="panel"/> of a weight, and fetches the one <paramref name="ahead"/> panels further on, which this thread will most likely read next.</summary>
    public static void Read(in ProductWeight weight, int panel, int ahead, byte* target)
    {
        switch (weight.Format)
        {
            case WeightFormat.Q8_0: ReadColumns<ColumnsQ8_0>(weight, panel, ahead, target); break;
            case WeightFormat.Q5_0: ReadColumns<ColumnsQ5_0>(weight, panel, ahead, target); break;
            case WeightFormat.Q5_1: ReadColumns<ColumnsQ5_1>(weight, panel, ahead, target); break;
            case WeightFormat.Q4_1: ReadColumns<ColumnsQ4_1>(weight, panel, ahead, target); break;
            case WeightFormat.Q5_K: ReadColumns<ColumnsQ5_K>(weight, panel, ahead, target); break;
            case WeightFormat.Q6_K: ReadColumns<ColumnsQ6_K>(weight, panel, ahead, target); break;
            case WeightFormat.InterleavedQ4_K: InterleavedColumns.ReadQ4_K(weight, panel, ahead, target); break;
            default: InterleavedColumns.ReadByTable(weight, panel, ahead, target); break;
        }
    }

    /// <summary>Asks for memory that will be read soon; a panel's columns lie one behind the other, in whatever order within.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* from, int bytes)
    {
        for (var at = 0; at < bytes; at += CacheLine)
            Sse.Prefetch1(from + at);
    }

    // A transposition of 16 x 8 groups of four inputs: columns c and c + 8 share a vector, one in each half.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadColumns<TFormat>(in ProductWeight weight, int panel, int ahead, byte* target)
        where TFormat : IColumnFormat
    {
        // Chooses the same quarter (128 bits) of each half of a pair: first that of the first vector, then that of the second.
        var lower = Vector512.Create(0L, 1, 8, 9, 4, 5, 12, 13);
        var upper = Vector512.Create(2L, 3, 10, 11, 6, 7, 14, 15);
        var start = weight.Data + ((nint)panel * ProductLayout.PanelColumns * weight.Stride);
        var next = start + ((nint)ahead * ProductLayout.PanelColumns * weight.Stride);
        var offsets = new ColumnOffsets(weight, panel);
        var column = stackalloc int[ProductLayout.PanelColumns];
        for (var c = 0; c < ProductLayout.PanelColumns; c++)
            column[c] = offsets[c];
        // Inputs 16 and on stand in the next block where blocks have sixteen.
        var second = ProductLayout.PanelColumns * 16 + (TFormat.Layout.BlockInputs == 16 ? TFormat.Layout.HeaderBytes : 0);
        for (var inputs = 0; inputs < weight.Inputs; inputs += TFormat.StoredInputs)
        {
            Fetch(next, ProductLayout.PanelColumns * TFormat.StoredBytes);
            next += ProductLayout.PanelColumns * TFormat.StoredBytes;
            TFormat.WriteHeaders(start, offsets, target);
            for (var part = 0; part < TFormat.StoredInputs / 32; part++)
            {
                var (a0, a1) = Interleave(Pair<TFormat>(start, column, 0, part), Pair<TFormat>(start, column, 1, part));
                var (a2, a3) = Interleave(Pair<TFormat>(start, column, 2, part), Pair<TFormat>(start, column, 3, part));
                var (a4, a5) = Interleave(Pair<TFormat>(start, column, 4, part), Pair<TFormat>(start, column, 5, part));
                var (a6, a7) = Interleave(Pair<TFormat>(start, column, 6, part), Pair<TFormat>(start, column, 7, part));
                var at = target + TFormat.Layout.HeaderBytes;
                WriteQuarters(Low(a0, a2), Low(a4, a6), lower, upper, at, second);
                WriteQuarters(High(a0, a2), High(a4, a6), lower, upper, at + 64, second);
                WriteQuarters(Low(a1, a3), Low(a5, a7), lower, upper, at + 128, second);
                WriteQuarters(High(a1, a3), High(a5, a7), lower, upper, at + 192, second);
                target += 32 / TFormat.Layout.BlockInputs * TFormat.Layout.PanelBlockBytes;
            }
            start += TFormat.StoredBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Pair<TFormat>(byte* start, int* column, int number, int part)
        where TFormat : IColumnFormat =>
        Vector512.Create(TFormat.Quants(start + column[number], part), TFormat.Quants(start + column[number + 8], part)).AsInt32();

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
    private static void WriteQuarters(Vector512<long> first, Vector512<long> second, Vector512<long> lower, Vector512<long> upper, byte* at, int secondAt)
    {
        Avx512F.PermuteVar8x64x2(first, lower, second).AsByte().Store(at);
        Avx512F.PermuteVar8x64x2(first, upper, second).AsByte().Store(at + secondAt);
    }
}
