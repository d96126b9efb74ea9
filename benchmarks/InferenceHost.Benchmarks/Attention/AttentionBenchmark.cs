using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using InferenceHost.Engines.Gguf;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Benchmarks.Attention;

/// <summary>One attention node (9 heads on 3, 64 wide, half precision) on one thread: rows of so many sequences, each with so many cells of its own in a common pool.</summary>
[Config(typeof(ShortInProcess))]
public unsafe class AttentionBenchmark
{
    private const int Heads = 9, KvHeads = 3, Size = 64;
    private readonly List<nint> _blocks = [];
    private AttentionPlan _plan = null!;
    private AttentionSite* _site;
    private byte* _mask;

    /// <summary>Rows of the batch x cells of each: decode rows of their own sequences, or (negative) rows of one prompt.</summary>
    [Params("1x128", "1x4096", "8x128", "32x128", "32x512", "prompt 4x4096", "prompt 16x4096", "prompt 256x256", "prompt 256x4096")]
    public string Shape { get; set; } = "";

    private int Rows => int.Parse(Shape.Replace("prompt ", "").Split('x')[0]);

    private int Own => int.Parse(Shape.Split('x')[1]);

    private bool IsPrompt => Shape.StartsWith("prompt", StringComparison.Ordinal);

    private int Cells => IsPrompt ? Own : Rows * Own;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        _plan = new AttentionPlan();
        _mask = Allocate(Rows * Cells * 2);
        var mask = (Half*)_mask;
        for (var row = 0; row < Rows; row++)
            for (var cell = 0; cell < Cells; cell++)
                mask[(row * Cells) + cell] = (IsPrompt ? cell <= Own - Rows + row : cell / Own == row) ? (Half)0 : Half.NegativeInfinity;
        _site = (AttentionSite*)Allocate(sizeof(AttentionSite));
        var buffers = (AttentionBuffers*)Allocate(sizeof(AttentionBuffers));
        AttentionVariants.TryPick(false, Size, Size, Processors.VectorBits, out var variant);
        *_site = new AttentionSite
        {
            Variant = variant,
            Buffers = buffers,
            Heads = Heads,
            Sharing = Heads / KvHeads,
            KeySize = Size,
            ValueSize = Size,
            Scale = 0.125f,
            Q = Allocate(Rows * Heads * Size * 4),
            QRow = Heads * Size * 4,
            QHead = Size * 4,
            K = Allocate(Cells * KvHeads * Size * 2),
            KCell = KvHeads * Size * 2,
            KHead = Size * 2,
            V = Allocate(Cells * KvHeads * Size * 2),
            VCell = KvHeads * Size * 2,
            VHead = Size * 2,
            Out = (float*)Allocate(Rows * Heads * Size * 4),
        };
        foreach (var cells in new[] { (nint)_site->K, (nint)_site->V })
            for (var at = 0; at < Cells * KvHeads * Size; at++)
                ((Half*)cells)[at] = (Half)((random.NextSingle() * 2) - 1);
        for (var at = 0; at < Rows * Heads * Size; at++)
            ((float*)_site->Q)[at] = (random.NextSingle() * 2) - 1;
        buffers->ScratchFloats = AttentionScratch.Floats(Size, Size);
        buffers->Scratch = (float*)Allocate((int)buffers->ScratchFloats * 4);
        Plan();
        buffers->Partial = (float*)Allocate((int)(_site->Plan.DividedParts * KvHeads * _site->PartialFloats * 4) + 64);
    }

    /// <summary>Reading the mask, once a step.</summary>
    [Benchmark]
    public void Plan()
    {
        _plan.TryRead(_mask, Cells * 2, Rows, Cells, Heads / KvHeads, KvHeads, 2);
        _site->Plan = _plan.View;
    }

    /// <summary>The node, once a layer.</summary>
    [Benchmark]
    public void Node()
    {
        _site->Next = 0;
        AttentionEntry.Run(_site, 0);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _plan.Dispose();
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
        _blocks.Clear();
    }

    private byte* Allocate(int bytes)
    {
        var block = NativeMemory.AlignedAlloc((nuint)bytes, 64);
        NativeMemory.Clear(block, (nuint)bytes);
        _blocks.Add((nint)block);
        return (byte*)block;
    }
}
