using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.Engines.Gguf.Adapters;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>One module with random weights in every slot, rows that take turns at the slots, and the same sums in plain loops.</summary>
internal sealed unsafe class KernelBench : IDisposable
{
    private readonly int _inputs, _outputs, _rows, _threads;
    private readonly float[][,] _a, _b;
    private readonly float[] _x, _y, _before;
    private readonly float[] _scales;
    private readonly SlotTable _table;
    private readonly StepRows _stepRows;
    private readonly KernelVariant _variant;
    private readonly float _alpha;
    private readonly int _rank;

    public KernelBench(int inputs, int outputs, int rank, int rows, AdapterStorage storage, int bits, int threads, int slots = 2)
    {
        (_inputs, _outputs, _rows, _threads, _rank) = (inputs, outputs, rows, threads, rank);
        Storage = storage;
        _alpha = 2 * rank;
        _variant = KernelVariants.Of(storage, bits);
        var random = new Random(inputs + (outputs * 7) + (rank * 31) + rows);
        _a = [.. Enumerable.Range(0, slots).Select(_ => Matrix(random, rank, inputs))];
        _b = [.. Enumerable.Range(0, slots).Select(_ => Matrix(random, outputs, rank))];
        _x = [.. Enumerable.Range(0, rows * inputs).Select(_ => (2 * random.NextSingle()) - 1)];
        _y = [.. Enumerable.Range(0, rows * outputs).Select(_ => (2 * random.NextSingle()) - 1)];
        _before = [.. _y];
        _scales = [.. Enumerable.Range(0, rows).Select(row => 0.5f + (row % 3))];
        _table = new SlotTable(1, slots);
        for (var slot = 1; slot < slots; slot++)
            Install(slot);
        _stepRows = new StepRows(_table, 1, rows, threads);
        var batch = new StepBatch(rows);
        for (var row = 0; row < rows; row++)
            batch.Add(0, row, new EngineSequence(0), SlotOf(row), _scales[row]);
        _stepRows.Set(batch);
    }

    public AdapterStorage Storage { get; }

    /// <summary>Runs the kernel as ggml would: each pass on all threads, one behind the other here.</summary>
    public void Run()
    {
        var group = _stepRows.Find(_rows)!;
        Assert.True(group.Needs(0) || _rows == 0);
        var scratch = (float*)NativeMemory.AllocZeroed((nuint)(4 * _threads * RowTile.MaxRows * _table.MaxRank), sizeof(float));
        fixed (float* x = _x)
        fixed (float* y = _y)
        {
            var site = new RoutingSite
            {
                Slots = _table.Module(0),
                Rows = group.Set,
                X = x,
                Y = y,
                XStride = _inputs,
                YStride = _outputs,
                Scratch = scratch,
                ScratchRank = _table.MaxRank,
                Inputs = _inputs,
                Outputs = _outputs,
                Kernel = _variant,
                RowCount = _rows,
            };
            delegate* unmanaged[Cdecl]<Interop.ggml_tensor*, int, int, void*, void> first = group.Set->IsShared != 0 ? &LoraEntry.Down : &LoraEntry.Whole;
            for (var thread = 0; thread < _threads; thread++)
                first(null, thread, _threads, &site);
            delegate* unmanaged[Cdecl]<Interop.ggml_tensor*, int, int, void*, void> second = &LoraEntry.Up;
            for (var thread = 0; thread < _threads && group.Set->IsShared != 0; thread++)
                second(null, thread, _threads, &site);
        }
        NativeMemory.Free(scratch);
    }

    /// <summary>Compares with plain loops; the tolerance is relative to the size of what was added.</summary>
    public void AssertRight(float tolerance)
    {
        for (var row = 0; row < _rows; row++)
        {
            var wanted = new double[_outputs];
            var slot = SlotOf(row);
            for (var k = 0; k < _rank && slot != 0; k++)
            {
                double u = 0;
                for (var j = 0; j < _inputs; j++)
                    u += _a[slot][k, j] * (double)_x[(row * _inputs) + j];
                for (var o = 0; o < _outputs; o++)
                    wanted[o] += _b[slot][o, k] * u * _scales[row] * _alpha / _rank;
            }
            var size = Math.Sqrt(wanted.Sum(value => value * value) / _outputs) + 0.05;
            double error = 0;
            for (var o = 0; o < _outputs; o++)
                error += Math.Pow(_y[(row * _outputs) + o] - _before[(row * _outputs) + o] - wanted[o], 2);
            Assert.True(Math.Sqrt(error / _outputs) <= tolerance * size, $"row {row} of slot {slot}, {_variant}, {_threads} threads: {Math.Sqrt(error / _outputs)} against {size}");
        }
    }

    public void Dispose()
    {
        _stepRows.Dispose();
        _table.Dispose();
    }

    private int SlotOf(int row) => _table.Count == 2 ? 1 : row * 7 % _table.Count;

    private void Install(int slot)
    {
        using var folder = new TemporaryFolder();
        var modules = AdapterModules.Of([new GgufTensor("blk.0.attn_q.weight", GgmlType.F16, 2, _inputs, _outputs, 1, 1, 0, 0, 0)]);
        var path = folder.File("a.gguf", TinyLora.Write("llama", _alpha, [("blk.0.attn_q.weight", _a[slot], _b[slot])]));
        using var file = GgufFile.Open(path);
        using var adapter = new AdapterReader("", modules, new KernelLayout(Storage)).Read(file, _alpha, ["blk.0.attn_q.weight"], requireApplied: false, CancellationToken.None);
        _table.Set(slot, adapter);
    }

    // Numbers that halves hold exactly.
    private static float[,] Matrix(Random random, int rows, int columns)
    {
        var matrix = new float[rows, columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
                matrix[i, j] = (float)(Half)((2 * random.NextSingle()) - 1);
        return matrix;
    }
}
