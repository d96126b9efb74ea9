using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// The stacks of all modules that the graph applies adapters to, for all slots and the highest rank, in one piece per buffer type: taken once at load, so that no adapter that was
/// accepted can fail for memory later.
/// </summary>
internal sealed unsafe class AdapterStacks : IDisposable
{
    // ggml's CUDA backend takes memory for intermediate results as it needs it, and aborts where there is none.
    private const long SpareBytes = 256L << 20;

    private readonly SlotTable _table;
    private readonly StackLayout _layout;
    private readonly AdapterStack?[] _byModule;
    private readonly List<StackInputs> _inputs = [];
    private readonly bool[] _isFilled;
    private readonly int[] _users;
    private readonly int[] _next;
    private readonly int[] _ranks;
    private readonly byte[] _staging;
    private readonly int[] _rows;
    private readonly int[] _uploaded;
    private int _uploadedCount;

    /// <param name="modules">The model's modules.</param>
    /// <param name="table">Weights of the slots in host memory.</param>
    /// <param name="bufferTypes">Where each module's adapters lie; 0 = the graph does not apply any.</param>
    /// <param name="layout">Formats and rank.</param>
    /// <param name="batchTokens">Rows of a call at most.</param>
    public AdapterStacks(AdapterModules modules, SlotTable table, ReadOnlySpan<nint> bufferTypes, StackLayout layout, int batchTokens)
    {
        _table = table;
        _layout = layout;
        _byModule = new AdapterStack?[modules.All.Count];
        _isFilled = new bool[modules.All.Count * table.Count];
        _users = new int[modules.All.Count];
        _next = new int[table.Count];
        _ranks = new int[table.Count];
        Width = layout.Width(0);
        _rows = new int[4 * batchTokens];
        _uploaded = new int[4 * batchTokens];
        long slice = 0;
        foreach (var module in modules.All)
        {
            if (bufferTypes[module.Index] is var type && type == 0)
                continue;
            if (_inputs.Find(candidate => candidate.BufferType == type) is not { } inputs)
                _inputs.Add(inputs = new StackInputs(type, modules.All.Count, layout.Rank, batchTokens));
            _byModule[module.Index] = new AdapterStack(
                module.Index,
                inputs,
                inputs.Add(layout.Type(module.Inputs), module.Inputs, layout.Rank, table.Count),
                inputs.Add(layout.Type(layout.Rank), layout.Rank, module.Outputs, table.Count));
            slice = Math.Max(slice, module.Outputs * layout.RowBytes(layout.Rank));
        }
        _staging = new byte[slice];
    }

    /// <summary>The stack of a module; null where the graph applies no adapters to it.</summary>
    public AdapterStack? Of(AdapterModule module) => _byModule[module.Index];

    /// <summary>Takes the memory; null, or how much was missing where.</summary>
    public string? TryAllocate()
    {
        if (_inputs.Count == 0)
            return "the graph applies adapters to none of the modules";
        // libllama may then copy weights to the device for large batches, under other names: those nodes would be missed.
        if (_inputs.Exists(inputs => inputs.IsHost) && _inputs.Exists(inputs => !inputs.IsHost))
            return $"the model's weights lie partly on the device ({string.Join(", ", _inputs.Select(inputs => inputs.Name))})";
        foreach (var inputs in _inputs)
        {
            var (needed, free) = (inputs.Bytes, inputs.FreeBytes);
            if (needed + SpareBytes > free || !inputs.TryAllocate())
                return string.Create(CultureInfo.InvariantCulture, $"stacks for {_table.Count - 1} adapters of rank {_layout.MaxRank} need {needed} bytes on {inputs.Name}, {free} are free and {SpareBytes} must stay so");
        }
        return null;
    }

    /// <summary>Grows when what nodes have to read may have changed.</summary>
    public int Version { get; private set; }

    /// <summary>How much of the stacks' rank the slots that are whole need: nodes read no more of it.</summary>
    public int Width { get; private set; }

    /// <summary>Whether a slot that is whole has weights for a module.</summary>
    public bool IsUsed(AdapterModule module) => _users[module.Index] > 0;

    /// <summary>A slot has other weights, of which nothing has been copied yet, or none.</summary>
    public void Begin(int slot)
    {
        Count(slot, -1);
        _next[slot] = 0;
    }

    /// <summary>Copies further modules of a slot's weights in until <paramref name="time"/> has passed, one at least; true when all are there.</summary>
    public bool Copy(int slot, TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        if (_next[slot] == _byModule.Length)
            return true;
        for (ref var next = ref _next[slot]; next < _byModule.Length; next++)
            if (Copy(slot, next) && Stopwatch.GetElapsedTime(start) >= time)
            {
                next++;
                break;
            }
        if (_next[slot] < _byModule.Length)
            return false;
        Count(slot, 1);
        return true;
    }

    /// <summary>Sends slots and factors of a call's rows to the devices, where they are not there yet. Base rows alone need none.</summary>
    public void Upload(StepRows rows)
    {
        if (rows.All.IsBase)
            return;
        int all = rows.All.RowCount, outputs = rows.Outputs.RowCount;
        var wanted = _rows.AsSpan(0, 2 * (all + outputs));
        rows.All.RowSlots.CopyTo(wanted);
        rows.Outputs.RowSlots.CopyTo(wanted[all..]);
        rows.All.RowScales.CopyTo(MemoryMarshal.Cast<int, float>(wanted[(all + outputs)..]));
        rows.Outputs.RowScales.CopyTo(MemoryMarshal.Cast<int, float>(wanted[(all + outputs + all)..]));
        if (wanted.SequenceEqual(_uploaded.AsSpan(0, _uploadedCount)))
            return;
        foreach (var inputs in _inputs)
            inputs.Upload(wanted);
        wanted.CopyTo(_uploaded);
        _uploadedCount = wanted.Length;
    }

    public void Dispose()
    {
        foreach (var inputs in _inputs)
            inputs.Dispose();
        _inputs.Clear();
    }

    // What a slot has counts when it is whole: nodes do not change while it is copied.
    private void Count(int slot, int change)
    {
        if (_next[slot] < _byModule.Length)
            return;
        Version++;
        var rank = 0;
        for (var module = 0; module < _users.Length; module++)
            if (_byModule[module] is not null && _isFilled[(module * _table.Count) + slot])
            {
                _users[module] += change;
                rank = Math.Max(rank, _table.Module(module)[slot].Rank);
            }
        // One that leaves may be another one in the table by now.
        _ranks[slot] = change > 0 ? rank : 0;
        Width = _layout.Width(_ranks.Max());
    }

    // False where there was nothing to do.
    private bool Copy(int slot, int module)
    {
        if (_byModule[module] is not { } stack)
            return false;
        var weights = _table.Module(module)[slot];
        ref var isFilled = ref _isFilled[(module * _table.Count) + slot];
        if (weights.Rank == 0 && !isFilled)
            return false;
        if (weights.Rank != 0)
            stack.Set(slot, weights, _layout.RowBytes(weights.Rank), _staging);
        else
            stack.Clear(slot);
        isFilled = weights.Rank != 0;
        return true;
    }
}
