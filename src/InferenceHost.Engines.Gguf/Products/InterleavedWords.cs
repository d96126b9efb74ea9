using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;
using static InferenceHost.Engines.Gguf.Products.InterleavedLayout;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Interleaved columns (<see cref="InterleavedLayout"/>) as a panel of words. Needs AVX2.</summary>
internal static unsafe class InterleavedWords
{
    // Words of the pairs of inputs of sixteen columns and of eight.
    private const int PairBytes = ProductLayout.VectorBytes, HalfBytes = PairBytes / 2;

    /// <summary>iq4_nl and q4_0: four bits number a value of a table.</summary>
    public static void ReadByTable(in ProductWeight weight, in PanelPart part, byte* target)
    {
        var left = Left(weight, part, TableBlockBytes);
        ReadEightByTable(weight, part, left, target);
        ReadEightByTable(weight, part, Right(weight, part, left), target + HalfBytes);
    }

    /// <summary>q4_K.</summary>
    public static void ReadQ4_K(in ProductWeight weight, in PanelPart part, byte* target)
    {
        var left = Left(weight, part, Q4BlockBytes);
        ReadEightQ4_K(weight, part, left, target);
        ReadEightQ4_K(weight, part, Right(weight, part, left), target + HalfBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadEightByTable(in ProductWeight weight, in PanelPart part, byte* source, byte* target)
    {
        var values = Vector128.Create(Table(weight.Format)) ^ Vector128.Create((byte)ProductLayout.ByteBias);
        var table = Vector256.Create(values, values);
        var low = Vector256.Create((byte)15);
        var (blocks, blockBytes) = (Blocks(weight, part), weight.Layout.PanelBlockBytes);
        var next = source + Ahead(weight, part);
        for (var block = 0; block < blocks; block++, source += TableBlockBytes, next += TableBlockBytes, target += blockBytes)
        {
            WeightPanel.Fetch(next, TableBlockBytes);
            HalfCells.Load<Vector256<float>>(source, 0).Store((float*)target);
            var at = target + ProductLayout.VectorBytes;
            for (var round = 0; round < 2; round++, at += 4 * PairBytes)
            {
                var (first, last) = Pairs(source + TableQuantsAt + (round * RoundBytes));
                WriteSigned(Avx2.Shuffle(table, first & low), at);
                WriteSigned(Avx2.Shuffle(table, last & low), at + (2 * PairBytes));
                WriteSigned(Avx2.Shuffle(table, Upper(first)), at + (8 * PairBytes));
                WriteSigned(Avx2.Shuffle(table, Upper(last)), at + (10 * PairBytes));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadEightQ4_K(in ProductWeight weight, in PanelPart part, byte* source, byte* target)
    {
        var (layout, blockBytes, low) = (weight.Layout, weight.Layout.PanelBlockBytes, Vector256.Create((byte)15));
        var blocks = Blocks(weight, part);
        var next = source + Ahead(weight, part);
        for (var block = 0; block < blocks; block++, source += Q4BlockBytes, next += Q4BlockBytes, target += Parts * blockBytes)
        {
            WeightPanel.Fetch(next, Q4BlockBytes);
            Vector256<float> scale = HalfCells.Load<Vector256<float>>(source, 0), least = -HalfCells.Load<Vector256<float>>(source + OffsetScalesAt, 0);
            for (var number = 0; number < Parts; number++)
            {
                var header = (float*)(target + (number * blockBytes));
                var (scales, offsets) = SixBitBytes(source + SixBitsAt + (number * SixBitsBytes));
                (scale * Widen(scales)).Store(header);
                (least * Widen(offsets)).Store(header + ProductLayout.PanelColumns);
            }
            for (var round = 0; round < Q4Rounds; round++)
            {
                var (first, last) = Pairs(source + Q4QuantsAt + (round * RoundBytes));
                var at = target + (round / 4 * 2 * blockBytes) + layout.HeaderBytes + (round % 4 * 4 * PairBytes);
                WriteUnsigned(first & low, at);
                WriteUnsigned(last & low, at + (2 * PairBytes));
                WriteUnsigned(Upper(first), at + blockBytes);
                WriteUnsigned(Upper(last), at + blockBytes + (2 * PairBytes));
            }
        }
    }

    // Of a round, pairs 0 and 1 and pairs 2 and 3 of bytes of every column: columns 0-3 in the lower half of a vector, 4-7 in the upper one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<byte> First, Vector256<byte> Last) Pairs(byte* at)
    {
        var turn = Vector128.Create((byte)0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
        Vector256<byte> left = Vector256.Load(at), right = Vector256.Load(at + 32);
        var a = Avx2.Shuffle(Avx2.Permute2x128(left, right, 0x20), Vector256.Create(turn, turn)).AsInt32();
        var b = Avx2.Shuffle(Avx2.Permute2x128(left, right, 0x31), Vector256.Create(turn, turn)).AsInt32();
        return (Avx2.UnpackLow(a, b).AsByte(), Avx2.UnpackHigh(a, b).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Upper(Vector256<byte> bytes) => (bytes.AsInt16() >>> 4).AsByte() & Vector256.Create((byte)15);

    // Two pairs as words.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteSigned(Vector256<byte> pairs, byte* at)
    {
        (Avx2.UnpackLow(pairs, pairs).AsInt16() >> 8).Store((short*)at);
        (Avx2.UnpackHigh(pairs, pairs).AsInt16() >> 8).Store((short*)(at + PairBytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteUnsigned(Vector256<byte> pairs, byte* at)
    {
        Avx2.UnpackLow(pairs, Vector256<byte>.Zero).Store(at);
        Avx2.UnpackHigh(pairs, Vector256<byte>.Zero).Store(at + PairBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(ulong eight) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector128.CreateScalar(eight).AsByte()));
}
