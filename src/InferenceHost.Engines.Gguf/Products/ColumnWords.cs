using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Columns that lie one behind the other as a panel of words. Needs AVX2.</summary>
internal static unsafe class ColumnWords
{
    // Bytes of the pairs of inputs of sixteen columns, words of eight.
    private const int PairBytes = ProductLayout.VectorBytes, EightBytes = PairBytes / 2;

    /// <summary>Writes a panel, eight columns after the other eight.</summary>
    public static void Read<TFormat>(in ProductWeight weight, in PanelPart part, byte* target)
        where TFormat : IColumnFormat
    {
        ReadEight<TFormat>(weight, part, 0, target);
        ReadEight<TFormat>(weight, part, EightColumns.Count, target + EightBytes);
    }

    // Between the two halves of a panel's work no more than half of the next panel is asked for.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadEight<TFormat>(in ProductWeight weight, in PanelPart part, int first, byte* target)
        where TFormat : IColumnFormat
    {
        var (layout, blockBytes, headerBytes) = (weight.Layout, weight.Layout.PanelBlockBytes, weight.Layout.HeaderBytes);
        var before = part.FirstInput / TFormat.StoredInputs * TFormat.StoredBytes;
        var start = weight.Data + ((nint)part.Panel * ProductLayout.PanelColumns * weight.Stride) + before;
        var next = start + ((((nint)part.Ahead * ProductLayout.PanelColumns) + first) * weight.Stride) + ((EightColumns.Count - 1) * before);
        var columns = new EightColumns(weight, part.Panel, first);
        var column = stackalloc int[EightColumns.Count];
        columns.Store(column);
        // Inputs 16 and on stand in the next block where blocks have sixteen.
        var secondAt = (8 * PairBytes) + (layout.BlockInputs == 16 ? headerBytes : 0);
        for (var inputs = 0; inputs < part.Inputs; inputs += TFormat.StoredInputs)
        {
            WeightPanel.Fetch(next, EightColumns.Count * TFormat.StoredBytes);
            next += EightColumns.Count * TFormat.StoredBytes;
            TFormat.WriteHeaders(start, columns, target, blockBytes);
            for (var number = 0; number < TFormat.StoredInputs / 32; number++)
            {
                Turn<TFormat>(start, column, number, target + headerBytes, secondAt);
                target += layout.BlockInputs == 16 ? 2 * blockBytes : blockBytes;
            }
            start += TFormat.StoredBytes;
        }
    }

    // A transposition of 8 x 8 pairs of inputs in each half: inputs 0..15 in the lower one, 16..31 in the upper one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<TFormat>(byte* start, int* column, int part, byte* at, int secondAt)
        where TFormat : IColumnFormat
    {
        var (a0, a1, a2, a3) = TurnFour<TFormat>(start, column, part);
        var (b0, b1, b2, b3) = TurnFour<TFormat>(start, column + 4, part);
        Write(Avx2.UnpackLow(a0, b0), at, secondAt);
        Write(Avx2.UnpackHigh(a0, b0), at + PairBytes, secondAt);
        Write(Avx2.UnpackLow(a1, b1), at + (2 * PairBytes), secondAt);
        Write(Avx2.UnpackHigh(a1, b1), at + (3 * PairBytes), secondAt);
        Write(Avx2.UnpackLow(a2, b2), at + (4 * PairBytes), secondAt);
        Write(Avx2.UnpackHigh(a2, b2), at + (5 * PairBytes), secondAt);
        Write(Avx2.UnpackLow(a3, b3), at + (6 * PairBytes), secondAt);
        Write(Avx2.UnpackHigh(a3, b3), at + (7 * PairBytes), secondAt);
    }

    // Pairs 0 and 1, 2 and 3, 4 and 5, 6 and 7 of four columns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<long> First, Vector256<long> Second, Vector256<long> Third, Vector256<long> Fourth) TurnFour<TFormat>(byte* start, int* column, int part)
        where TFormat : IColumnFormat
    {
        Vector256<short> a = Quants<TFormat>(start + column[0], part), b = Quants<TFormat>(start + column[1], part);
        Vector256<short> c = Quants<TFormat>(start + column[2], part), d = Quants<TFormat>(start + column[3], part);
        Vector256<int> low = Avx2.UnpackLow(a, b).AsInt32(), high = Avx2.UnpackHigh(a, b).AsInt32();
        Vector256<int> low1 = Avx2.UnpackLow(c, d).AsInt32(), high1 = Avx2.UnpackHigh(c, d).AsInt32();
        return (Avx2.UnpackLow(low, low1).AsInt64(), Avx2.UnpackHigh(low, low1).AsInt64(), Avx2.UnpackLow(high, high1).AsInt64(), Avx2.UnpackHigh(high, high1).AsInt64());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Quants<TFormat>(byte* block, int part)
        where TFormat : IColumnFormat => (TFormat.Quants(block, part) ^ Vector256.Create((byte)ProductLayout.ByteBias)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector256<long> pairs, byte* at, int secondAt)
    {
        Avx2.ConvertToVector256Int16(pairs.GetLower().AsSByte()).Store((short*)at);
        Avx2.ConvertToVector256Int16(pairs.GetUpper().AsSByte()).Store((short*)(at + secondAt));
    }
}
