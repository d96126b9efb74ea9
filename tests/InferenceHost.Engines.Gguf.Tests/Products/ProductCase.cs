using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Engines.Gguf.Tests.Products;

/// <summary>A product computed by the kernel, and in double precision from the rounded inputs.</summary>
internal sealed unsafe class ProductCase : IDisposable
{
    private const float Untouched = 12345;
    private readonly QuantizedWeight _weight;
    private readonly float[] _x;
    private readonly int _inputs;
    private readonly int _xStride;
    private readonly int _outStride;

    public ProductCase(int seed, WeightFormat format, int columns, int inputs, int rows, ProductInstructions instructions)
    {
        _weight = new QuantizedWeight(seed, format, columns, inputs, instructions);
        _inputs = inputs;
        (_xStride, _outStride) = (inputs + 3, columns + 5);
        var random = new Random(seed);
        Rows = rows;
        _x = [.. Enumerable.Range(0, rows * _xStride).Select(i => (float)((random.NextDouble() - 0.5) * (i % 97 == 0 ? 40 : i / 32 % 5 == 0 ? 1e-4 : 2)))];
    }

    public int Rows { get; }

    /// <summary>A row's inputs, to be changed before anything is computed.</summary>
    public Span<float> Inputs(int row) => _x.AsSpan(row * _xStride, _inputs);

    /// <summary>Instructions by the width of their vectors.</summary>
    public static ProductInstructions Instructions(int bits)
    {
        var instructions = ProductInstructionSets.Best(bits);
        Assert.SkipWhen(bits == 512 && instructions != ProductInstructions.Bytes512, "this processor has no AVX-512 VNNI");
        Assert.SkipWhen(!ProductCode.IsAvailable(instructions), "this processor has no AVX2");
        return instructions;
    }

    /// <summary>Results of rows first..last-1, computed together.</summary>
    public float[][] Compute(int first, int last, int threads)
    {
        var count = last - first;
        var results = new float[count * _outStride];
        Array.Fill(results, Untouched);
        var buffers = new ProductBuffers { ScratchBytes = ProductKernel.ScratchBytes(_weight.Weight, count) };
        buffers.Tiles = (byte*)NativeMemory.AlignedAlloc((nuint)ProductKernel.TileBytes(_weight.Weight, count), 64);
        buffers.Scratch = (byte*)NativeMemory.AlignedAlloc((nuint)(buffers.ScratchBytes * threads), 64);
        try
        {
            fixed (float* x = _x, y = results)
            {
                var site = new ProductSite
                {
                    Weight = _weight.Weight,
                    X = (byte*)(x + (first * _xStride)),
                    XStride = _xStride * sizeof(float),
                    Out = (byte*)y,
                    OutStride = _outStride * sizeof(float),
                    Rows = count,
                    Buffers = &buffers,
                };
                var place = (nint)(&site);
                Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread => ProductKernel.Run((ProductSite*)place, thread, threads));
            }
        }
        finally
        {
            NativeMemory.AlignedFree(buffers.Tiles);
            NativeMemory.AlignedFree(buffers.Scratch);
        }
        var columns = _weight.Weight.Columns;
        for (var row = 0; row < count; row++)
            Assert.All(results[((row * _outStride) + columns)..((row + 1) * _outStride)], v => Assert.Equal(Untouched, v));
        return [.. Enumerable.Range(0, count).Select(row => results[(row * _outStride)..((row * _outStride) + columns)])];
    }

    /// <summary>A row's results, and the sum of the sizes of what was added up for each.</summary>
    public (double[] Values, double[] Sizes) Expected(int row)
    {
        var (columns, size) = (_weight.Weight.Columns, _weight.Weight.Layout.BlockInputs);
        var (values, sizes) = (new double[columns], new double[columns]);
        for (var start = 0; start < _inputs; start += size)
        {
            var x = Inputs(row).Slice(start, size).ToArray();
            var most = x.Max(Math.Abs);
            var rounded = x.Select(v => most == 0 ? 0 : MathF.Round(v * (127 / most), MidpointRounding.ToEven)).ToArray();
            // Scales beyond half precision are rounded as if they were within.
            var scale = most > 1e6 ? Math.ScaleB((double)(Half)Math.ScaleB(most / 127, -20), 20) : (double)(Half)(most / 127);
            for (var column = 0; column < columns; column++)
                for (var i = 0; i < size; i++)
                {
                    var part = rounded[i] * scale * _weight.Values[column, start + i];
                    values[column] += part;
                    sizes[column] += Math.Abs(part);
                }
        }
        return (values, sizes);
    }

    public void Dispose() => _weight.Dispose();
}
