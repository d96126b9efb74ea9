using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

/// <summary>A random weight in one of ggml's formats, written scalar by scalar as the formats are documented, and what it stands for.</summary>
internal sealed unsafe class QuantizedWeight : IDisposable
{
    private static readonly sbyte[] s_iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    private readonly byte* _data;

    public QuantizedWeight(int seed, WeightFormat format, int columns, int inputs)
    {
        var (random, blocks) = (new Random(seed), inputs / 32);
        var columnBytes = blocks * (format == WeightFormat.Q8 ? 34 : 18);
        var size = columns * columnBytes;
        // What lies behind a weight in memory must not matter: unpacking fetches ahead.
        _data = (byte*)NativeMemory.Alloc((nuint)size);
        Quants = new sbyte[columns, inputs];
        Scales = new float[columns, blocks];
        for (var column = 0; column < columns; column++)
            for (var block = 0; block < blocks; block++)
            {
                // Smaller ones are subnormal in half precision.
                var scale = (Half)(random.NextDouble() * (block % 3 == 2 ? 1e-5 : 0.1));
                Scales[column, block] = (float)scale;
                var group = _data + (((column / 8 * blocks) + block) * 8 * 18);
                *(Half*)(format == WeightFormat.Q8 ? _data + (column * columnBytes) + (block * 34) : group + (column % 8 * 2)) = scale;
                for (var i = 0; i < 32; i++)
                {
                    var code = random.Next(256);
                    Quants[column, (block * 32) + i] = Value(format, code);
                    if (format == WeightFormat.Q8)
                        _data[(column * columnBytes) + (block * 34) + 2 + i] = (byte)code;
                    else
                        SetNibble(group + 16, column % 8, i, code % 16);
                }
            }
        Weight = new ProductWeight { Data = _data, Stride = columnBytes, Columns = columns, Blocks = blocks, Format = format };
    }

    public ProductWeight Weight { get; }

    public sbyte[,] Quants { get; }

    public float[,] Scales { get; }

    public void Dispose() => NativeMemory.Free(_data);

    private static sbyte Value(WeightFormat format, int code) => format switch
    {
        WeightFormat.Q8 => (sbyte)code,
        WeightFormat.InterleavedIq4 => s_iq4[code % 16],
        _ => (sbyte)((code % 16 ^ 8) - 8),
    };

    // Bytes of eight columns take turns eight at a time; a byte holds inputs j and j + 16 of its column.
    private static void SetNibble(byte* quants, int column, int input, int code)
    {
        var j = input % 16;
        ref var place = ref quants[(j / 8 * 64) + (column * 8) + (j % 8)];
        place = (byte)(input < 16 ? (place & 0xF0) | code : (place & 0x0F) | (code << 4));
    }
}
