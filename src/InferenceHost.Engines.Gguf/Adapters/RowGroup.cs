using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Builds one <see cref="RowSet"/>: rows in, tiles of equal slots out, and which modules any of them needs.</summary>
internal sealed unsafe class RowGroup : IDisposable
{
    private readonly SlotTable _table;
    private readonly int _threads;
    private readonly int[] _openTile;
    private readonly List<int> _slots = [];
    private readonly List<int> _lastSlots = [];
    private readonly bool[] _needed;
    private readonly int[] _rowSlots;
    private readonly float[] _rowScales;
    private int _lastVersion = -1;
    private RowSet* _set;

    public RowGroup(SlotTable table, int modules, int capacity, int threads)
    {
        _table = table;
        _threads = threads;
        _openTile = new int[table.Count];
        Array.Fill(_openTile, -1);
        _needed = new bool[modules];
        _rowSlots = new int[capacity];
        _rowScales = new float[capacity];
        _set = (RowSet*)NativeMemory.AllocZeroed((nuint)sizeof(RowSet));
        _set->Tiles = (RowTile*)NativeMemory.Alloc((nuint)capacity, (nuint)sizeof(RowTile));
    }

    /// <summary>Rows of the graph that this set is for.</summary>
    public int RowCount { get; private set; }

    public RowSet* Set => _set;

    /// <summary>Slot of each row; 0 = base model.</summary>
    public ReadOnlySpan<int> RowSlots => _rowSlots.AsSpan(0, RowCount);

    /// <summary>Factor of each row; 1 for rows of the base model.</summary>
    public ReadOnlySpan<float> RowScales => _rowScales.AsSpan(0, RowCount);

    /// <summary>Whether a row has a factor other than 1.</summary>
    public bool IsScaled { get; private set; }

    /// <summary>Whether all rows are the base model's.</summary>
    public bool IsBase => _set->TileCount == 0;

    /// <summary>Whether a row's adapter changes this module.</summary>
    public bool Needs(int module) => _needed[module];

    public void Begin()
    {
        RowCount = 0;
        IsScaled = false;
        _set->TileCount = 0;
        _slots.Clear();
    }

    public void Add(int slot, float scale)
    {
        var row = RowCount++;
        (_rowSlots[row], _rowScales[row]) = (slot, slot == 0 ? 1 : scale);
        if (slot == 0)
            return;
        IsScaled |= scale != 1;
        var open = _openTile[slot];
        if (open < 0 || _set->Tiles[open].Count == RowTile.MaxRows)
        {
            if (open < 0)
                _slots.Add(slot);
            _openTile[slot] = open = _set->TileCount++;
            _set->Tiles[open].Slot = slot;
            _set->Tiles[open].Count = 0;
        }
        var tile = _set->Tiles + open;
        tile->Rows[tile->Count] = row;
        tile->Scales[tile->Count] = scale;
        tile->Count++;
    }

    public void End()
    {
        foreach (var slot in _slots)
            _openTile[slot] = -1;
        // Below this many tiles the threads would not be busy to the end; a second pass costs one of ggml's barriers.
        _set->IsShared = _set->TileCount < 4 * _threads && _threads > 1 ? (byte)1 : (byte)0;
        if (_lastVersion == _table.Version && CollectionsMarshal.AsSpan(_slots).SequenceEqual(CollectionsMarshal.AsSpan(_lastSlots)))
            return;
        _lastVersion = _table.Version;
        _lastSlots.Clear();
        _lastSlots.AddRange(_slots);
        for (var module = 0; module < _needed.Length; module++)
        {
            var weights = _table.Module(module);
            var needed = false;
            foreach (var slot in CollectionsMarshal.AsSpan(_slots))
                needed |= weights[slot].Rank != 0;
            _needed[module] = needed;
        }
    }

    public void Dispose()
    {
        if (_set == null)
            return;
        NativeMemory.Free(_set->Tiles);
        NativeMemory.Free(_set);
        _set = null;
    }
}
