namespace InferenceHost.Core.KvCache;

/// <summary>
/// A run of KV cells that hold consecutive tokens: a node of the prefix tree. Cells of a run belong to every sequence whose path goes through it;
/// a run without children is the private end of exactly one sequence, the only kind that grows.
/// </summary>
internal sealed class CellRun
{
    private int[] _tokens;

    public CellRun(CellRun? parent, int start, int capacity)
    {
        Parent = parent;
        Start = start;
        _tokens = capacity == 0 ? [] : new int[capacity];
    }

    /// <summary>Run before this one; null for a root.</summary>
    public CellRun? Parent { get; set; }

    public List<CellRun> Children { get; } = [];

    /// <summary>Position of the first token.</summary>
    public int Start { get; private set; }

    public int Count { get; private set; }

    public int End => Start + Count;

    /// <summary>Sequence whose private end this is; null for shared runs.</summary>
    public int? Holder { get; set; }

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    public void Append(ReadOnlySpan<int> tokens)
    {
        if (Count + tokens.Length > _tokens.Length) Array.Resize(ref _tokens, Math.Max(Count + tokens.Length, _tokens.Length * 2));
        tokens.CopyTo(_tokens.AsSpan(Count));
        Count += tokens.Length;
    }

    public void Truncate(int count) => Count = count;

    /// <summary>Cuts the run at <paramref name="count"/> tokens: a new run with the first part becomes this run's parent, this one keeps the rest.</summary>
    public CellRun SplitAt(int count)
    {
        var head = new CellRun(Parent, Start, count);
        head.Append(Tokens[..count]);
        Parent!.Children[Parent.Children.IndexOf(this)] = head;
        head.Children.Add(this);
        Parent = head;
        _tokens.AsSpan(count, Count - count).CopyTo(_tokens);
        Count -= count;
        Start += count;
        return head;
    }
}
