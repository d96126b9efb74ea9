using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

/// <summary>A weight of random bits in one of ggml's formats, and the numbers it stands for, decoded one by one as the formats are documented.</summary>
internal sealed unsafe class QuantizedWeight : IDisposable
{
    /// <summary>The values of iq4_nl.</summary>
    public static readonly sbyte[] IQ4Values = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    private readonly byte* _data;

    public QuantizedWeight(int seed, WeightFormat format, int columns, int inputs, ProductInstructions instructions)
    {
        var stored = format.StoredInputs();
        var blockBytes = BlockBytes(format);
        var blocks = inputs / stored;
        var random = new Random(seed);
        // What lies behind a weight in memory must not matter: unpacking fetches ahead.
        _data = (byte*)NativeMemory.Alloc((nuint)(columns * blocks * blockBytes));
        Values = new float[columns, inputs];
        var file = new byte[columns][][];
        for (var column = 0; column < columns; column++)
        {
            file[column] = new byte[blocks][];
            for (var block = 0; block < blocks; block++)
            {
                var bytes = file[column][block] = new byte[blockBytes];
                random.NextBytes(bytes);
                // Smaller ones are subnormal in half precision.
                foreach (var at in Halves(format))
                    BitConverter.TryWriteBytes(bytes.AsSpan(at), (Half)(random.NextDouble() * (block % 3 == 2 ? 1e-5 : 0.1)));
                for (var i = 0; i < stored; i++)
                    Values[column, (block * stored) + i] = Decode(format, bytes, i);
            }
        }
        for (var column = 0; column < columns; column++)
            for (var block = 0; block < blocks; block++)
                if (format < WeightFormat.InterleavedIQ4_NL)
                    file[column][block].CopyTo(new Span<byte>(_data + (((column * blocks) + block) * blockBytes), blockBytes));
                else if (column % 8 == 0)
                    Interleave(format, [.. file[column..(column + 8)].Select(c => c[block])], new Span<byte>(_data + (((column * blocks) + (block * 8)) * blockBytes), 8 * blockBytes));
        Weight = new ProductWeight { Data = _data, Stride = blocks * blockBytes, Columns = columns, Inputs = inputs, Format = format, Layout = format.Layout(instructions) };
    }

    public ProductWeight Weight { get; }

    /// <summary>By column and input.</summary>
    public float[,] Values { get; }

    public void Dispose() => NativeMemory.Free(_data);

    private static int BlockBytes(WeightFormat format) => format switch
    {
        WeightFormat.Q8_0 => 34,
        WeightFormat.Q5_0 => 22,
        WeightFormat.Q5_1 => 24,
        WeightFormat.Q4_1 => 20,
        WeightFormat.Q5_K => 176,
        WeightFormat.Q6_K => 210,
        WeightFormat.InterleavedQ4_K => 144,
        _ => 18,
    };

    private static int[] Halves(WeightFormat format) => format switch
    {
        WeightFormat.Q6_K => [208],
        WeightFormat.Q5_1 or WeightFormat.Q4_1 or WeightFormat.Q5_K or WeightFormat.InterleavedQ4_K => [0, 2],
        _ => [0],
    };

    private static float Decode(WeightFormat format, byte[] b, int i)
    {
        float first = (float)BitConverter.ToHalf(b, 0), second = (float)BitConverter.ToHalf(b, 2);
        switch (format)
        {
            case WeightFormat.Q8_0: return first * (sbyte)b[2 + i];
            case WeightFormat.Q5_0: return first * ((Nibble(b, 6, i) | (Bit(b, 2, i) << 4)) - 16);
            case WeightFormat.Q5_1: return (first * (Nibble(b, 8, i) | (Bit(b, 4, i) << 4))) + second;
            case WeightFormat.Q4_1: return (first * Nibble(b, 4, i)) + second;
            case WeightFormat.InterleavedIQ4_NL: return first * IQ4Values[Nibble(b, 2, i)];
            case WeightFormat.InterleavedQ4_0: return first * (Nibble(b, 2, i) - 8);
            case WeightFormat.Q6_K:
                var (half, l) = (i / 128, i % 32);
                var quarter = i % 128 / 32;
                var low = b[(64 * half) + l + (quarter % 2 * 32)];
                var q = (quarter < 2 ? low & 15 : low >> 4) | (((b[128 + (32 * half) + l] >> (2 * quarter)) & 3) << 4);
                return (float)BitConverter.ToHalf(b, 208) * (sbyte)b[192 + (i / 16)] * (q - 32);
            default:
                var part = i / 32;
                var hasFifth = format == WeightFormat.Q5_K;
                var four = b[(hasFifth ? 48 : 16) + (part / 2 * 32) + (i % 32)];
                var quant = (part % 2 == 0 ? four & 15 : four >> 4) | (hasFifth ? ((b[16 + (i % 32)] >> part) & 1) << 4 : 0);
                var (scale, least) = SixBits(b, part);
                return (first * scale * quant) - (second * least);
        }
    }

    private static int Nibble(byte[] b, int at, int i) => i < 16 ? b[at + i] & 15 : b[at + i - 16] >> 4;

    private static int Bit(byte[] b, int at, int i) => (b[at + (i / 8)] >> (i % 8)) & 1;

    // Scales of all columns first, then what is between, then quants: eight bytes of each column in turn.
    private static void Interleave(WeightFormat format, byte[][] columns, Span<byte> target)
    {
        var isQ4K = format == WeightFormat.InterleavedQ4_K;
        var (quantsAt, targetAt) = isQ4K ? (16, 128) : (2, 16);
        for (var c = 0; c < 8; c++)
        {
            columns[c].AsSpan(0, 2).CopyTo(target[(2 * c)..]);
            if (isQ4K)
                columns[c].AsSpan(2, 2).CopyTo(target[(16 + (2 * c))..]);
            for (var at = quantsAt; at < columns[c].Length; at++)
                target[targetAt + ((at - quantsAt) / 8 * 64) + (c * 8) + ((at - quantsAt) % 8)] = (byte)(columns[c][at] ^ (format == WeightFormat.InterleavedQ4_0 ? 0x88 : 0));
        }
        if (!isQ4K)
            return;
        // What was six bits of eight parts for a column is six bits of eight columns for a part.
        for (var part = 0; part < 8; part++)
        {
            var twelve = target.Slice(32 + (12 * part), 12);
            for (var c = 0; c < 4; c++)
            {
                var ((scale, least), (scaleAfter, leastAfter)) = (SixBits(columns[c], part), SixBits(columns[c + 4], part));
                twelve[c] = (byte)(scale | (scaleAfter >> 4 << 6));
                twelve[c + 4] = (byte)(least | (leastAfter >> 4 << 6));
                twelve[c + 8] = (byte)((scaleAfter & 15) | ((leastAfter & 15) << 4));
            }
        }
    }

    private static (int Scale, int Least) SixBits(byte[] b, int part) => part < 4
        ? (b[4 + part] & 63, b[8 + part] & 63)
        : ((b[8 + part] & 15) | (b[part] >> 6 << 4), (b[8 + part] >> 4) | (b[4 + part] >> 6 << 4));
}
