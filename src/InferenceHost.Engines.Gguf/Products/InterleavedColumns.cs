using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>ggml's layouts of eight columns together: eight bytes of each in turn (repack.cpp). Two of them make a panel.</summary>
internal static unsafe class InterleavedColumns
{
    private const int Together = 8, HalfBytes = 2, ChunkBytes = 64;

    // Blocks of 32: eight scales, then two rounds of bytes; a byte has input j below and input j + 16 above.
    private const int TableBlockBytes = Together * (HalfBytes + 16), TableQuantsAt = Together * HalfBytes;

    // Blocks of 256: eight scales, eight scales of offsets, eight times twelve bytes with six bits of both for each column, sixteen rounds of bytes.
    private const int OffsetScalesAt = Together * HalfBytes, SixBitsAt = 2 * Together * HalfBytes, SixBitsBytes = 12, Q4QuantsAt = 128, Q4BlockBytes = 1152, Parts = 8;

    // The table of iq4_nl (ggml-common.h, kvalues_iq4nl) and the values of q4_0, whose top bits repacking turns round, above ProductLayout.Bias.
    private static ReadOnlySpan<byte> IQ4Values => [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

    private static ReadOnlySpan<byte> Q4Values => [128, 129, 130, 131, 132, 133, 134, 135, 120, 121, 122, 123, 124, 125, 126, 127];

    /// <summary>iq4_nl and q4_0: four bits number a value of a table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadByTable(in ProductWeight weight, int panel, int ahead, byte* target)
    {
        var values = Vector128.Create(weight.Format == WeightFormat.InterleavedIQ4_NL ? IQ4Values : Q4Values);
        var table = Vector512.Create(Vector256.Create(values, values), Vector256.Create(values, values));
        var low = Vector512.Create((byte)15);
        var blocks = weight.Blocks;
        byte* left = Left(weight, panel, blocks, TableBlockBytes), right = Right(weight, panel, left, blocks, TableBlockBytes);
        var next = left + ((nint)ahead * 2 * blocks * TableBlockBytes);
        for (var block = 0; block < blocks; block++)
        {
            WeightPanel.Fetch(next, 2 * TableBlockBytes);
            next += 2 * TableBlockBytes;
            Halfs(left, right).Store((float*)target);
            var at = target + ProductLayout.VectorBytes;
            for (var round = 0; round < 2; round++, at += 2 * ChunkBytes)
            {
                var (even, odd) = Groups(left + TableQuantsAt + (round * ChunkBytes), right + TableQuantsAt + (round * ChunkBytes));
                Avx512BW.Shuffle(table, even & low).Store(at);
                Avx512BW.Shuffle(table, odd & low).Store(at + ChunkBytes);
                Avx512BW.Shuffle(table, Upper(even)).Store(at + (4 * ChunkBytes));
                Avx512BW.Shuffle(table, Upper(odd)).Store(at + (5 * ChunkBytes));
            }
            left += TableBlockBytes;
            right += TableBlockBytes;
            target += ProductLayout.Scaled.PanelBlockBytes;
        }
    }

    /// <summary>q4_K: a byte has an input of one part below and the same input of the next part above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadQ4_K(in ProductWeight weight, int panel, int ahead, byte* target)
    {
        var layout = ProductLayout.Offset;
        var bias = Vector512.Create((byte)ProductLayout.Bias);
        var low = Vector512.Create((byte)15);
        var blocks = weight.Inputs / (Parts * layout.BlockInputs);
        byte* left = Left(weight, panel, blocks, Q4BlockBytes), right = Right(weight, panel, left, blocks, Q4BlockBytes);
        var next = left + ((nint)ahead * 2 * blocks * Q4BlockBytes);
        for (var block = 0; block < blocks; block++)
        {
            WeightPanel.Fetch(next, 2 * Q4BlockBytes);
            next += 2 * Q4BlockBytes;
            var (scale, least) = (Halfs(left, right), -Halfs(left + OffsetScalesAt, right + OffsetScalesAt));
            for (var part = 0; part < Parts; part++)
            {
                var header = (float*)(target + (part * layout.PanelBlockBytes));
                var (scales, offsets) = SixBitNumbers(left + SixBitsAt + (part * SixBitsBytes), right + SixBitsAt + (part * SixBitsBytes));
                (scale * scales).Store(header);
                (least * offsets).Store(header + ProductLayout.PanelColumns);
            }
            for (var round = 0; round < 16; round++)
            {
                var (even, odd) = Groups(left + Q4QuantsAt + (round * ChunkBytes), right + Q4QuantsAt + (round * ChunkBytes));
                var at = target + (round / 4 * 2 * layout.PanelBlockBytes) + layout.HeaderBytes + (round % 4 * 2 * ChunkBytes);
                ((even & low) | bias).Store(at);
                ((odd & low) | bias).Store(at + ChunkBytes);
                (Upper(even) | bias).Store(at + layout.PanelBlockBytes);
                (Upper(odd) | bias).Store(at + layout.PanelBlockBytes + ChunkBytes);
            }
            left += Q4BlockBytes;
            right += Q4BlockBytes;
            target += Parts * layout.PanelBlockBytes;
        }
    }

    private static byte* Left(in ProductWeight weight, int panel, int blocks, int blockBytes) => weight.Data + ((nint)panel * 2 * blocks * blockBytes);

    // Behind the last eight columns come the same again.
    private static byte* Right(in ProductWeight weight, int panel, byte* left, int blocks, int blockBytes) =>
        ((panel * 2) + 1) * Together < weight.Columns ? left + ((nint)blocks * blockBytes) : left;

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

    // Columns 0-3 have their six bits in bytes 0-3 (offsets: 4-7); columns 4-7 have four in bytes 8-11 and two at the top of those.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong Scales, ulong Offsets) SixBitBytes(byte* at)
    {
        const uint Six = 0x3F3F3F3F, Four = 0x0F0F0F0F, Top = 0x30303030;
        uint first = *(uint*)at, second = *(uint*)(at + 4), third = *(uint*)(at + 8);
        return ((first & Six) | ((ulong)((third & Four) | ((first >> 2) & Top)) << 32), (second & Six) | ((ulong)(((third >> 4) & Four) | ((second >> 2) & Top)) << 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(ulong left, ulong right) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Create(left, right).AsByte()));
}
