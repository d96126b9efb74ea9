using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;
using static InferenceHost.Engines.Gguf.Products.InterleavedLayout;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Interleaved columns (<see cref="InterleavedLayout"/>) as a panel of bytes. Needs AVX-512 (F, BW).</summary>
internal static unsafe class InterleavedBytes
{
    /// <summary>iq4_nl and q4_0: four bits number a value of a table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadByTable(in ProductWeight weight, in PanelPart part, byte* target)
    {
        var values = Vector128.Create(Table(weight.Format));
        var table = Vector512.Create(Vector256.Create(values, values), Vector256.Create(values, values));
        var low = Vector512.Create((byte)15);
        var blocks = Blocks(weight, part);
        byte* left = Left(weight, part, TableBlockBytes), right = Right(weight, part, left);
        var next = left + Ahead(weight, part) + (part.FirstInput / weight.Format.StoredInputs() * TableBlockBytes);
        for (var block = 0; block < blocks; block++)
        {
            WeightPanel.Fetch(next, 2 * TableBlockBytes);
            next += 2 * TableBlockBytes;
            Halfs(left, right).Store((float*)target);
            var at = target + ProductLayout.VectorBytes;
            for (var round = 0; round < 2; round++, at += 2 * RoundBytes)
            {
                var (even, odd) = Groups(left + TableQuantsAt + (round * RoundBytes), right + TableQuantsAt + (round * RoundBytes));
                Avx512BW.Shuffle(table, even & low).Store(at);
                Avx512BW.Shuffle(table, odd & low).Store(at + RoundBytes);
                Avx512BW.Shuffle(table, Upper(even)).Store(at + (4 * RoundBytes));
                Avx512BW.Shuffle(table, Upper(odd)).Store(at + (5 * RoundBytes));
            }
            left += TableBlockBytes;
            right += TableBlockBytes;
            target += weight.Layout.PanelBlockBytes;
        }
    }

    /// <summary>q4_K: a byte has an input of one part below and the same input of the next part above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadQ4_K(in ProductWeight weight, in PanelPart part, byte* target)
    {
        var layout = weight.Layout;
        var bias = Vector512.Create((byte)ProductLayout.ByteBias);
        var low = Vector512.Create((byte)15);
        var blocks = Blocks(weight, part);
        byte* left = Left(weight, part, Q4BlockBytes), right = Right(weight, part, left);
        var next = left + Ahead(weight, part) + (part.FirstInput / weight.Format.StoredInputs() * Q4BlockBytes);
        for (var block = 0; block < blocks; block++)
        {
            WeightPanel.Fetch(next, 2 * Q4BlockBytes);
            next += 2 * Q4BlockBytes;
            var (scale, least) = (Halfs(left, right), -Halfs(left + OffsetScalesAt, right + OffsetScalesAt));
            for (var number = 0; number < Parts; number++)
            {
                var header = (float*)(target + (number * layout.PanelBlockBytes));
                var (scales, offsets) = SixBitNumbers(left + SixBitsAt + (number * SixBitsBytes), right + SixBitsAt + (number * SixBitsBytes));
                (scale * scales).Store(header);
                (least * offsets).Store(header + ProductLayout.PanelColumns);
            }
            for (var round = 0; round < Q4Rounds; round++)
            {
                var (even, odd) = Groups(left + Q4QuantsAt + (round * RoundBytes), right + Q4QuantsAt + (round * RoundBytes));
                var at = target + (round / 4 * 2 * layout.PanelBlockBytes) + layout.HeaderBytes + (round % 4 * 2 * RoundBytes);
                ((even & low) | bias).Store(at);
                ((odd & low) | bias).Store(at + RoundBytes);
                (Upper(even) | bias).Store(at + layout.PanelBlockBytes);
                (Upper(odd) | bias).Store(at + layout.PanelBlockBytes + RoundBytes);
            }
            left += Q4BlockBytes;
            right += Q4BlockBytes;
            target += Parts * layout.PanelBlockBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Halfs(byte* left, byte* right) => HalfCells.Widen(Vector256.Create(Vector128.Load((short*)left), Vector128.Load((short*)right)));

    // Of a round, the first and the second four bytes of every column.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<byte> Even, Vector512<byte> Odd) Groups(byte* left, byte* right)
    {
        var even = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        Vector512<int> l = Vector512.Load((int*)left), r = Vector512.Load((int*)right);
        return (Avx512F.PermuteVar16x32x2(l, even, r).AsByte(), Avx512F.PermuteVar16x32x2(l, even + Vector512<int>.One, r).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Upper(Vector512<byte> bytes) => (bytes.AsInt32() >>> 4).AsByte() & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Scales, Vector512<float> Offsets) SixBitNumbers(byte* left, byte* right)
    {
        var (s0, o0) = SixBitBytes(left);
        var (s1, o1) = SixBitBytes(right);
        return (Widen(s0, s1), Widen(o0, o1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(ulong left, ulong right) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Create(left, right).AsByte()));
}
