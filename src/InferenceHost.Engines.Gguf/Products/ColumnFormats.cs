using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Half-precision scale, 32 signed bytes.</summary>
internal readonly unsafe struct ColumnsQ8_0 : IColumnFormat
{
    public static int StoredInputs => 32;

    public static int StoredBytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part) => Vector256.Load(block + 2) ^ Vector256.Create((byte)ProductLayout.ByteBias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step) => columns.ReadHalf(block).Store((float*)target);
}

/// <summary>Scale, fifth bits, four bits each; a quant is 16 below its bits.</summary>
internal readonly unsafe struct ColumnsQ5_0 : IColumnFormat
{
    public static int StoredInputs => 32;

    public static int StoredBytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part) =>
        (Nibbles.Of(block + 6) | Nibbles.FifthBits(block + 2)) + Vector256.Create((byte)(ProductLayout.ByteBias - 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step) => columns.ReadHalf(block).Store((float*)target);
}

/// <summary>Scale, offset, fifth bits, four bits each.</summary>
internal readonly unsafe struct ColumnsQ5_1 : IColumnFormat
{
    public static int StoredInputs => 32;

    public static int StoredBytes => 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part) =>
        (Nibbles.Of(block + 8) | Nibbles.FifthBits(block + 4)) + Vector256.Create((byte)ProductLayout.ByteBias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step) => ColumnsQ4_1.WriteHeaders(block, columns, target, step);
}

/// <summary>Scale, offset, four bits each.</summary>
internal readonly unsafe struct ColumnsQ4_1 : IColumnFormat
{
    public static int StoredInputs => 32;

    public static int StoredBytes => 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part) => Nibbles.Of(block + 4) + Vector256.Create((byte)ProductLayout.ByteBias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step)
    {
        var both = columns.Read(block);
        HalfCells.WidenLower(both).Store((float*)target);
        HalfCells.WidenLower(both >>> 16).Store((float*)target + ProductLayout.PanelColumns);
    }
}

/// <summary>Scales of scales and offsets, six bits for each of eight parts, fifth bits, four bits each: 256 inputs.</summary>
internal readonly unsafe struct ColumnsQ5_K : IColumnFormat
{
    private const int ScalesAt = 4, FifthAt = 16, NibblesAt = 48;

    public static int StoredInputs => 256;

    public static int StoredBytes => 176;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part)
    {
        var four = Vector256.Load(block + NibblesAt + (part / 2 * 32));
        four = (part % 2 == 0 ? four : (four.AsInt16() >>> 4).AsByte()) & Vector256.Create((byte)15);
        var fifth = (Vector256.Load(block + FifthAt).AsInt16() >>> part).AsByte() & Vector256<byte>.One;
        return (four | (fifth.AsInt16() << 4).AsByte()) + Vector256.Create((byte)ProductLayout.ByteBias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step)
    {
        var both = columns.Read(block);
        var (scale, least) = (HalfCells.WidenLower(both), -HalfCells.WidenLower(both >>> 16));
        var scales = new SixBits(columns.Read(block + ScalesAt), columns.Read(block + ScalesAt + 4), columns.Read(block + ScalesAt + 8));
        for (var part = 0; part < 8; part++, target += step)
        {
            (scale * Vector256.ConvertToSingle(scales.Scale(part))).Store((float*)target);
            (least * Vector256.ConvertToSingle(scales.Offset(part))).Store((float*)target + ProductLayout.PanelColumns);
        }
    }
}

/// <summary>Four bits each, two bits each, a signed byte for each of sixteen parts, their scale: 256 inputs. A quant is 32 below its bits.</summary>
internal readonly unsafe struct ColumnsQ6_K : IColumnFormat
{
    private const int UpperAt = 128, ScalesAt = 192, ScaleAt = 208;

    public static int StoredInputs => 256;

    public static int StoredBytes => 210;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Quants(byte* block, int part)
    {
        // Of each half of the block: 64 bytes with four bits for parts 0 and 2 (then 1 and 3), 32 bytes with two bits for each.
        var (half, quarter) = (part / 4, part % 4);
        var four = Vector256.Load(block + (half * 64) + (quarter % 2 * 32));
        four = (quarter < 2 ? four : (four.AsInt16() >>> 4).AsByte()) & Vector256.Create((byte)15);
        var two = (Vector256.Load(block + UpperAt + (half * 32)).AsInt16() >>> (2 * quarter)).AsByte() & Vector256.Create((byte)3);
        return (four | (two.AsInt16() << 4).AsByte()) + Vector256.Create((byte)(ProductLayout.ByteBias - 32));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteHeaders(byte* block, in EightColumns columns, byte* target, int step)
    {
        // With the two bytes before it: those behind it may be none of the file's.
        var scale = HalfCells.WidenLower(columns.Read(block + ScaleAt - 2) >>> 16);
        for (var part = 0; part < 16; part += 4)
        {
            var four = columns.Read(block + ScalesAt + part);
            for (var shift = 24; shift >= 0; shift -= 8, target += step)
                (scale * Vector256.ConvertToSingle((four << shift) >> 24)).Store((float*)target);
        }
    }
}

/// <summary>Twelve bytes with six bits of scale and six of offset for each of eight, per lane (get_scale_min_k4 of ggml-quants.c).</summary>
internal readonly struct SixBits(Vector256<int> first, Vector256<int> second, Vector256<int> third)
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Scale(int number) => Number(first, third, number, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Offset(int number) => Number(second, third, number, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Number(Vector256<int> low, Vector256<int> rest, int number, int shift) => number < 4
        ? (low >>> (8 * number)) & Vector256.Create(63)
        : ((rest >>> ((8 * (number - 4)) + shift)) & Vector256.Create(15)) | (((low >>> ((8 * (number - 4)) + 6)) & Vector256.Create(3)) << 4);
}

/// <summary>Bits of blocks of 32.</summary>
internal static unsafe class Nibbles
{
    /// <summary>Inputs 0..15 from the lower halves of sixteen bytes, 16..31 from the upper ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Of(byte* at)
    {
        var bytes = Vector128.Load(at);
        return Vector256.Create(bytes, (bytes.AsInt16() >>> 4).AsByte()) & Vector256.Create((byte)15);
    }

    /// <summary>Sixteen where the input's bit of four bytes is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> FifthBits(byte* at)
    {
        var bytes = Avx2.Shuffle(Vector256.Create(*(int*)at).AsByte(), Vector256.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
        var own = Vector256.Create(0x8040201008040201UL).AsByte();
        return Vector256.Equals(bytes & own, own) & Vector256.Create((byte)16);
    }
}
