using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// The rows of the running call, by the row counts that a graph's nodes have: all rows, or after the last attention the output rows only.
/// Where llama.cpp reorders rows (recurrent and hybrid memory), all rows have one slot and any row count is served.
/// </summary>
internal sealed class StepRows(SlotTable table, int modules, int capacity, int threads) : IDisposable
{
    private readonly RowGroup _all = new(table, modules, capacity, threads);
    private readonly RowGroup _outputs = new(table, modules, capacity, threads);
    private readonly List<RowGroup> _uniform = [];
    private int _uniformInUse;
    private int _slot;
    private float _scale = 1;
    private bool _isUniform;

    /// <summary>Whether rows differ, so that their order counts.</summary>
    public bool OrderMatters => !_isUniform;

    /// <summary>Token per row, to see that the graph's rows are ours.</summary>
    public int[] Tokens { get; } = new int[capacity];

    public int Count => _all.RowCount;

    /// <summary>All rows of the call.</summary>
    public RowGroup All => _all;

    /// <summary>Its output rows.</summary>
    public RowGroup Outputs => _outputs;

    public void Set(StepBatch batch)
    {
        _all.Begin();
        _outputs.Begin();
        _uniformInUse = 0;
        var slots = batch.AdapterSlots;
        var scales = batch.AdapterScales;
        var wanted = batch.WantsLogits;
        batch.Tokens.CopyTo(Tokens);
        (_slot, _scale) = (slots[0], scales[0]);
        _isUniform = true;
        for (var row = 0; row < slots.Length; row++)
        {
            // A scale of nothing is the base model.
            var slot = scales[row] == 0 ? 0 : slots[row];
            _all.Add(slot, scales[row]);
            if (wanted[row])
                _outputs.Add(slot, scales[row]);
            _isUniform &= slots[row] == _slot && scales[row] == _scale;
        }
        _all.End();
        _outputs.End();
    }

    /// <summary>The group for a node of so many rows, or null where these cannot be our rows.</summary>
    public RowGroup? Find(int rows)
    {
        if (rows == _all.RowCount)
            return _all;
        if (rows == _outputs.RowCount)
            return _outputs;
        // None: llama.cpp parts a call with recurrent memory, and a part may have no output rows.
        return _isUniform && rows >= 0 && rows <= capacity ? Uniform(rows) : null;
    }

    public void Dispose()
    {
        _all.Dispose();
        _outputs.Dispose();
        foreach (var group in _uniform)
            group.Dispose();
    }

    private RowGroup Uniform(int rows)
    {
        for (var i = 0; i < _uniformInUse; i++)
            if (_uniform[i].RowCount == rows)
                return _uniform[i];
        if (_uniformInUse == _uniform.Count)
            _uniform.Add(new RowGroup(table, modules, capacity, threads));
        var group = _uniform[_uniformInUse++];
        group.Begin();
        for (var row = 0; row < rows; row++)
            group.Add(_scale == 0 ? 0 : _slot, _scale);
        group.End();
        return group;
    }
}
