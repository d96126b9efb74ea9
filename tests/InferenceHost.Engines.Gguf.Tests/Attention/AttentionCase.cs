using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Tests.Attention;

/// <summary>Random attention in native memory: computed by the kernel, and by the definition in double precision. Cells that nobody sees hold NaN.</summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    private const ushort Hidden = 0xFC00;
    private readonly List<nint> _blocks = [];
    private readonly Random _random;
    private readonly bool[][] _seen;
    private readonly float[] _queries;
    private readonly float[] _keys;
    private readonly float[] _values;
    private readonly AttentionPlan _plan = new();

    public AttentionCase(int seed, bool[][] seen, int heads, int kvHeads, int keySize, int valueSize, bool isQ8 = false)
    {
        _random = new Random(seed);
        _seen = seen;
        (Heads, KvHeads, KeySize, ValueSize, IsQ8) = (heads, kvHeads, keySize, valueSize, isQ8);
        _queries = Numbers(Rows * heads * keySize, 3);
        _keys = Cells(keySize);
        _values = Cells(valueSize);
    }

    public int Heads { get; }

    public int KvHeads { get; }

    public int KeySize { get; }

    public int ValueSize { get; }

    public bool IsQ8 { get; }

    public float SoftCap { get; init; }

    public float[]? Sinks { get; init; }

    public AttentionPlan Plan => _plan;

    private int Rows => _seen.Length;

    private int CellCount => _seen[0].Length;

    private float Scale => 1 / MathF.Sqrt(KeySize);

    /// <summary>Reads the mask into <see cref="Plan"/>.</summary>
    public bool Read(int threads)
    {
        var mask = (ushort*)Allocate(Rows * CellCount * sizeof(ushort));
        for (var row = 0; row < Rows; row++)
            for (var cell = 0; cell < CellCount; cell++)
                mask[(row * CellCount) + cell] = _seen[row][cell] ? (ushort)0 : Hidden;
        return _plan.TryRead((byte*)mask, CellCount * sizeof(ushort), Rows, CellCount, Heads / KvHeads, KvHeads, threads);
    }

    /// <summary>[row][head][value] by the kernel, on so many threads; twice, as a graph is computed again.</summary>
    public float[] Compute(int threads, int bits)
    {
        Assert.True(Read(threads));
        Assert.True(AttentionVariants.TryPick(IsQ8, KeySize, ValueSize, bits, out var variant));
        var results = (float*)Allocate(Rows * Heads * ValueSize * sizeof(float));
        var sinks = Sinks is null ? null : (float*)Allocate(Heads * sizeof(float));
        Sinks?.CopyTo(new Span<float>(sinks, Heads));
        var queries = (float*)Allocate(_queries.Length * sizeof(float));
        _queries.CopyTo(new Span<float>(queries, _queries.Length));
        var (keyRow, valueRow) = (RowBytes(KeySize), RowBytes(ValueSize));
        var buffers = (AttentionBuffers*)Allocate(sizeof(AttentionBuffers));
        var site = (AttentionSite*)Allocate(sizeof(AttentionSite));
        *site = new AttentionSite
        {
            Plan = _plan.View,
            Variant = variant,
            Buffers = buffers,
            Heads = Heads,
            Sharing = Heads / KvHeads,
            KeySize = KeySize,
            ValueSize = ValueSize,
            Scale = Scale,
            SoftCap = SoftCap,
            Sinks = sinks,
            Out = results,
            Q = (byte*)queries,
            QRow = Heads * KeySize * sizeof(float),
            QHead = KeySize * sizeof(float),
            K = Store(_keys, KeySize, keyRow),
            KCell = KvHeads * keyRow,
            KHead = keyRow,
            V = Store(_values, ValueSize, valueRow),
            VCell = KvHeads * valueRow,
            VHead = valueRow,
        };
        buffers->ScratchFloats = AttentionScratch.Floats(KeySize, ValueSize);
        buffers->Scratch = (float*)Allocate((int)buffers->ScratchFloats * threads * sizeof(float));
        buffers->Partial = (float*)Allocate((int)(site->Plan.DividedParts * KvHeads * site->PartialFloats) * sizeof(float));
        for (var time = 0; time < 2; time++)
        {
            new Span<float>(results, Rows * Heads * ValueSize).Fill(float.NaN);
            site->Next = 0;
            Parallel.For(0, threads, thread => AttentionEntry.Run(site, thread));
        }
        return new ReadOnlySpan<float>(results, Rows * Heads * ValueSize).ToArray();
    }

    /// <summary>The same by the definition.</summary>
    public double[] Expected()
    {
        var results = new double[Rows * Heads * ValueSize];
        for (var row = 0; row < Rows; row++)
            for (var head = 0; head < Heads; head++)
                Expect(row, head, results.AsSpan(((row * Heads) + head) * ValueSize, ValueSize));
        return results;
    }

    public void Dispose()
    {
        _plan.Dispose();
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
    }

    private void Expect(int row, int head, Span<double> result)
    {
        var own = head / (Heads / KvHeads);
        double sum = Sinks is null ? 0 : Math.Exp(Sinks[head]);
        for (var cell = 0; cell < CellCount; cell++)
        {
            if (!_seen[row][cell])
                continue;
            double score = 0;
            for (var i = 0; i < KeySize; i++)
                score += _queries[(((row * Heads) + head) * KeySize) + i] * (double)_keys[(((cell * KvHeads) + own) * KeySize) + i];
            score *= Scale;
            var weight = Math.Exp(SoftCap == 0 ? score : SoftCap * Math.Tanh(score / SoftCap));
            sum += weight;
            for (var i = 0; i < ValueSize; i++)
                result[i] += weight * _values[(((cell * KvHeads) + own) * ValueSize) + i];
        }
        for (var i = 0; i < ValueSize; i++)
            result[i] /= sum == 0 ? 1 : sum;
    }

    // Rows of all key-value heads of all cells, of numbers that the storage has exactly.
    private float[] Cells(int size)
    {
        var numbers = Numbers(CellCount * KvHeads * size, 1);
        for (var at = 0; at < numbers.Length; at++)
            numbers[at] = !_seen.Any(row => row[at / size / KvHeads]) ? float.NaN : IsQ8 ? MathF.Round(numbers[at] * 32) / 32 : (float)(Half)numbers[at];
        return numbers;
    }

    private nint RowBytes(int size) => IsQ8 ? size / 32 * 34 : size * 2;

    private byte* Store(float[] numbers, int size, nint rowBytes)
    {
        var rows = numbers.Length / size;
        var target = (byte*)Allocate((int)(rows * rowBytes));
        for (var row = 0; row < rows; row++)
            for (var at = 0; at < size; at++)
            {
                var number = numbers[(row * size) + at];
                var start = target + (row * rowBytes);
                if (!IsQ8)
                {
                    ((Half*)start)[at] = (Half)number;
                    continue;
                }
                var block = start + (at / 32 * 34);
                *(Half*)block = float.IsNaN(number) ? Half.NaN : (Half)(1f / 32);
                ((sbyte*)block)[2 + (at % 32)] = float.IsNaN(number) ? (sbyte)1 : (sbyte)(number * 32);
            }
        return target;
    }

    private float[] Numbers(int count, float size) => [.. Enumerable.Range(0, count).Select(_ => ((_random.NextSingle() * 2) - 1) * size)];

    private byte* Allocate(int bytes)
    {
        var block = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 64), 64);
        _blocks.Add((nint)block);
        return (byte*)block;
    }
}
