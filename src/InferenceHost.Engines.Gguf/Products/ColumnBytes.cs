using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Columns that lie one behind the other as a panel of bytes. Needs AVX-512 (F, BW).</summary>
internal static unsafe class ColumnBytes
{
    // A transposition of 16 x 8 groups of four inputs: columns c and c + 8 share a vector, one in each half.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read<TFormat>(in ProductWeight weight, in PanelPart part, byte* target)
        where TFormat : IColumnFormat
    {
        // Chooses the same quarter (128 bits) of each half of a pair: first that of the first vector, then that of the second.
        var lower = Vector512.Create(0L, 1, 8, 9, 4, 5, 12, 13);
        var upper = Vector512.Create(2L, 3, 10, 11, 6, 7, 14, 15);
        var before = part.FirstInput / TFormat.StoredInputs * TFormat.StoredBytes;
        var start = weight.Data + ((nint)part.Panel * ProductLayout.PanelColumns * weight.Stride) + before;
        var next = start + ((nint)ProductLayout.PanelColumns * ((part.Ahead * weight.Stride) + before)) - before;
        EightColumns first = new(weight, part.Panel, 0), second = new(weight, part.Panel, EightColumns.Count);
        var column = stackalloc int[ProductLayout.PanelColumns];
        first.Store(column);
        second.Store(column + EightColumns.Count);
        var (layout, blockBytes, headerBytes) = (weight.Layout, weight.Layout.PanelBlockBytes, weight.Layout.HeaderBytes);
        // Inputs 16 and on stand in the next block where blocks have sixteen.
        var secondAt = ProductLayout.PanelColumns * 16 + (layout.BlockInputs == 16 ? headerBytes : 0);
        for (var inputs = 0; inputs < part.Inputs; inputs += TFormat.StoredInputs)
        {
            WeightPanel.Fetch(next, ProductLayout.PanelColumns * TFormat.StoredBytes);
            next += ProductLayout.PanelColumns * TFormat.StoredBytes;
            TFormat.WriteHeaders(start, first, target, blockBytes);
            TFormat.WriteHeaders(start, second, target + (ProductLayout.VectorBytes / 2), blockBytes);
            for (var number = 0; number < TFormat.StoredInputs / 32; number++)
            {
                var (a0, a1) = Interleave(Pair<TFormat>(start, column, 0, number), Pair<TFormat>(start, column, 1, number));
                var (a2, a3) = Interleave(Pair<TFormat>(start, column, 2, number), Pair<TFormat>(start, column, 3, number));
                var (a4, a5) = Interleave(Pair<TFormat>(start, column, 4, number), Pair<TFormat>(start, column, 5, number));
                var (a6, a7) = Interleave(Pair<TFormat>(start, column, 6, number), Pair<TFormat>(start, column, 7, number));
                var at = target + headerBytes;
                WriteQuarters(Low(a0, a2), Low(a4, a6), lower, upper, at, secondAt);
                WriteQuarters(High(a0, a2), High(a4, a6), lower, upper, at + 64, secondAt);
                WriteQuarters(Low(a1, a3), Low(a5, a7), lower, upper, at + 128, secondAt);
                WriteQuarters(High(a1, a3), High(a5, a7), lower, upper, at + 192, secondAt);
                target += layout.BlockInputs == 16 ? 2 * blockBytes : blockBytes;
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
