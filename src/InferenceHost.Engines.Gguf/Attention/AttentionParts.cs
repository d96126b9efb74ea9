namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// The groups' cells and heads, cut into parts for the threads. In a cell the heads lie side by side, and memory is read at half its speed or less where one head is
/// picked out of each: where few queries leave the time to the memory, a part takes several heads tile by tile.
/// </summary>
internal sealed unsafe class AttentionParts : IDisposable
{
    private const int PartsPerThread = 4;

    private readonly NativeList<AttentionPart> _parts = new();
    private readonly NativeList<int> _pending = new();
    private int _heads;
    private int _sharing;

    public AttentionPart* Items => _parts.Items;

    public int Count => _parts.Count;

    /// <summary>Parts of each group that are not finished, [group][key-value head].</summary>
    public int* Pending => _pending.Items;

    /// <summary>Parts of cells up to the last one of a group that has several; 0 = none has.</summary>
    public int DividedParts { get; private set; }

    /// <summary>Rows of the largest group that has several parts.</summary>
    public int DividedRows { get; private set; }

    /// <summary>Makes the parts, and tells each group of its own.</summary>
    public void Divide(NativeList<AttentionGroup> groups, int sharing, int heads, int threads)
    {
        _parts.Clear();
        _pending.Clear();
        (_sharing, _heads, DividedParts, DividedRows) = (sharing, heads, 0, 0);
        long work = 0;
        for (var i = 0; i < groups.Count; i++)
            work += Work(groups[i]);
        var wanted = Math.Max(1, work / Math.Max(1, PartsPerThread * threads));
        var number = 0;
        for (var i = 0; i < groups.Count; i++)
        {
            ref var group = ref groups[i];
            var together = Cut(ref group, wanted);
            group.FirstPart = number;
            new Span<int>(_pending.Extend(heads), heads).Fill(group.Parts);
            for (var part = 0; part < group.Parts; part++)
                Add(i, group, part, number++, together);
            if (group.Parts > 1)
                (DividedParts, DividedRows) = (number, Math.Max(DividedRows, group.Rows));
        }
    }

    public void Dispose()
    {
        _parts.Dispose();
        _pending.Dispose();
    }

    private static long Over(long amount, long size) => (amount + size - 1) / size;

    private long Work(in AttentionGroup group) => (long)group.Tiles * group.Rows * _sharing * _heads;

    // Sets the parts of a group's cells; how many heads a part has. Where the cells cannot be cut finely enough, the heads are.
    private int Cut(ref AttentionGroup group, long wanted)
    {
        var work = Work(group);
        var together = Math.Clamp(AttentionPlan.MaxQueries / (group.Rows * _sharing), 1, _heads);
        group.Parts = (int)Math.Clamp(Over(work, wanted * Over(_heads, together)), 1, Math.Max(1, group.Tiles));
        return Math.Min(together, _heads / (int)Math.Clamp(Over(work, wanted * group.Parts), 1, _heads));
    }

    private void Add(int index, in AttentionGroup group, int part, int number, int together)
    {
        int from = group.Tiles * part / group.Parts, to = group.Tiles * (part + 1) / group.Parts;
        for (var head = 0; head < _heads; head += together)
            _parts.Add(new AttentionPart { Group = index, Number = number, FirstTile = from, Tiles = to - from, FirstHead = head, Heads = Math.Min(together, _heads - head) });
    }
}
