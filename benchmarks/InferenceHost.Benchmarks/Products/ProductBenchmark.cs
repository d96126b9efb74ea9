using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using InferenceHost.Engines.Gguf.Products;

namespace InferenceHost.Benchmarks.Products;

/// <summary>One product on one thread: rows of floats times a weight, the shapes of the embedded model and of one of seven billion weights.</summary>
[Config(typeof(ShortInProcess))]
public unsafe class ProductBenchmark
{
    private readonly List<nint> _blocks = [];
    private ProductSite* _site;

    /// <summary>Rows of the step.</summary>
    [Params(1, 8, 32)]
    public int Rows { get; set; }

    /// <summary>Vector width of the instructions: 512 (VPDPBUSD) or 256 (VPMADDWD).</summary>
    [Params(512, 256)]
    public int Bits { get; set; }

    /// <summary>Format, outputs x inputs.</summary>
    [Params("InterleavedIQ4_NL 1536x576", "InterleavedIQ4_NL 576x1536", "Q8_0 49152x576", "InterleavedQ4_K 4096x4096", "Q6_K 4096x4096")]
    public string Weight { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var instructions = ProductInstructionSets.Best(Bits);
        if (!ProductCode.IsAvailable(instructions))
            throw new PlatformNotSupportedException("this processor has not the instructions");
        var parts = Weight.Split(' ', 'x');
        var (format, columns, inputs) = (Enum.Parse<WeightFormat>(parts[0]), int.Parse(parts[1]), int.Parse(parts[2]));
        // Enough for every format.
        var columnBytes = inputs / 32 * 34;
        var weight = new ProductWeight { Stride = Bytes(format) * inputs / 256, Columns = columns, Inputs = inputs, Format = format, Layout = format.Layout(instructions) };
        weight.Data = Allocate((nint)columns * columnBytes);
        var buffers = (ProductBuffers*)Allocate(sizeof(ProductBuffers));
        *buffers = new ProductBuffers
        {
            Tiles = Allocate(ProductKernel.TileBytes(weight, Rows)),
            Scratch = Allocate(ProductKernel.ScratchBytes(weight, Rows)),
            ScratchBytes = ProductKernel.ScratchBytes(weight, Rows),
        };
        _site = (ProductSite*)Allocate(sizeof(ProductSite));
        *_site = new ProductSite
        {
            Weight = weight,
            X = Allocate((nint)Rows * inputs * sizeof(float)),
            XStride = inputs * sizeof(float),
            Out = Allocate((nint)Rows * columns * sizeof(float)),
            OutStride = columns * sizeof(float),
            Rows = Rows,
            Buffers = buffers,
        };
        // Scales of no number are as fast as others; rows of zeros would not be.
        new Random(1).NextBytes(new Span<byte>(_site->Weight.Data, columns * columnBytes));
        for (var at = 0; at < Rows * inputs; at++)
            ((float*)_site->X)[at] = (at % 31) - 15;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
        _blocks.Clear();
    }

    [Benchmark]
    public void Product()
    {
        _site->NextRow = _site->RowsDone = _site->NextPanel = 0;
        ProductKernel.Run(_site, 0, 1);
    }

    // Of 256 inputs of a column.
    private static int Bytes(WeightFormat format) => format switch
    {
        WeightFormat.Q8_0 => 272,
        WeightFormat.Q6_K => 210,
        _ => 144,
    };

    private byte* Allocate(nint bytes)
    {
        var block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        _blocks.Add((nint)block);
        return block;
    }
}
