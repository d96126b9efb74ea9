namespace InferenceHost.Core.Execution;

/// <summary>
/// The rows of one engine call, struct of arrays, allocated once. Row i: token, position in its sequence, sequence, adapter slot and scale, whether its logits are wanted.
/// Rows of one sequence are consecutive and in order of position.
/// </summary>
public sealed class StepBatch
{
    private readonly int[] _tokens, _positions, _sequences, _adapterSlots;
    private readonly float[] _adapterScales;
    private readonly bool[] _wantsLogits;

    /// <summary>Makes room for <paramref name="capacity"/> rows.</summary>
    public StepBatch(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _tokens = new int[capacity];
        _positions = new int[capacity];
        _sequences = new int[capacity];
        _adapterSlots = new int[capacity];
        _adapterScales = new float[capacity];
        _wantsLogits = new bool[capacity];
    }

    /// <summary>Rows at most.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Rows in use.</summary>
    public int Count { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int OutputCount { get; private set; }

    /// <summary>Token id per row.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Position in its sequence per row, from 0.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary><see cref="EngineSequence"/> value per row.</summary>
    public ReadOnlySpan<int> Sequences => _sequences.AsSpan(0, Count);

    /// <summary>Adapter slot per row; 0 = base model.</summary>
    public ReadOnlySpan<int> AdapterSlots => _adapterSlots.AsSpan(0, Count);

    /// <summary>Factor on the adapter's strength per row; 1 = as trained.</summary>
    public ReadOnlySpan<float> AdapterScales => _adapterScales.AsSpan(0, Count);

    /// <summary>Whether the row's logits are wanted.</summary>
    public ReadOnlySpan<bool> WantsLogits => _wantsLogits.AsSpan(0, Count);

    /// <summary>Empties the batch.</summary>
    public void Clear() => (Count, OutputCount) = (0, 0);

    /// <summary>Adds a row whose logits are not wanted.</summary>
    public void Add(int token, int position, EngineSequence sequence, int adapterSlot, float adapterScale) =>
        Set(token, position, sequence, adapterSlot, adapterScale, wantsLogits: false);

    /// <summary>Adds a row whose logits are wanted and returns its output number.</summary>
    public int AddOutput(int token, int position, EngineSequence sequence, int adapterSlot, float adapterScale)
    {
        Set(token, position, sequence, adapterSlot, adapterScale, wantsLogits: true);
        return OutputCount++;
    }

    private void Set(int token, int position, EngineSequence sequence, int adapterSlot, float adapterScale, bool wantsLogits)
    {
        var row = Count;
        _tokens[row] = token;
        _positions[row] = position;
        _sequences[row] = sequence.Value;
        _adapterSlots[row] = adapterSlot;
        _adapterScales[row] = adapterScale;
        _wantsLogits[row] = wantsLogits;
        Count = row + 1;
    }
}
