using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Who looks at which cells in one call, read off libllama's own mask: groups of rows with the list of their cells, cut into parts for the threads.
/// What a row does not see is never touched, whoever it belongs to.
/// </summary>
internal sealed unsafe class AttentionPlan : IDisposable
{
    /// <summary>Cells that are worked on together; the bits of a mask word.</summary>
    public const int TileCells = 64;

    /// <summary>Queries (rows times heads that share a key-value head) of a group at most.</summary>
    public const int MaxQueries = 128;

    private const ushort Hidden = 0xFC00;

    private readonly NativeList<AttentionGroup> _groups = new();
    private readonly NativeList<int> _cells = new();
    private readonly NativeList<ulong> _masks = new();
    private readonly AttentionParts _parts = new();
    private ulong[] _rows = [];
    private ulong[] _union = [];

    /// <summary>The plan for the kernel.</summary>
    public AttentionView View => new()
    {
        Groups = _groups.Items,
        Parts = _parts.Items,
        Cells = _cells.Items,
        Masks = _masks.Items,
        Pending = _parts.Pending,
        PartCount = _parts.Count,
        GroupCount = _groups.Count,
        DividedParts = _parts.DividedParts,
        DividedRows = _parts.DividedRows,
    };

    /// <summary>
    /// Reads a mask of halves, [rows][cells] with <paramref name="stride"/> bytes between rows: 0 = seen, minus infinity = not seen.
    /// False where it holds anything else, such as a bias by distance.
    /// </summary>
    /// <param name="mask">The first row.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="cells">Cells of the cache that the call looks at.</param>
    /// <param name="sharing">Query heads per key-value head.</param>
    /// <param name="heads">Key-value heads.</param>
    /// <param name="threads">Threads that will take the parts.</param>
    public bool TryRead(byte* mask, nint stride, int rows, int cells, int sharing, int heads, int threads)
    {
        _groups.Clear();
        _cells.Clear();
        _masks.Clear();
        var words = (cells + TileCells - 1) / TileCells;
        if (_rows.Length < rows * words)
            _rows = new ulong[rows * words];
        if (_union.Length < words)
            _union = new ulong[words];
        for (var row = 0; row < rows; row++)
            if (!TryReadRow((ushort*)(mask + (row * stride)), cells, _rows.AsSpan(row * words, words)))
                return false;
        Group(rows, words, Math.Max(1, MaxQueries / sharing));
        _parts.Divide(_groups, sharing, heads, threads);
        return true;
    }

    public void Dispose()
    {
        _groups.Dispose();
        _parts.Dispose();
        _cells.Dispose();
        _masks.Dispose();
    }

    private static bool TryReadRow(ushort* mask, int cells, Span<ulong> bits)
    {
        var (zero, hidden) = (Vector256<ushort>.Zero, Vector256.Create(Hidden));
        var other = Vector256<ushort>.Zero;
        for (var word = 0; word < bits.Length; word++)
        {
            ulong seen = 0;
            var at = mask + (word * TileCells);
            var left = Math.Min(TileCells, cells - (word * TileCells));
            var lane = 0;
            for (; lane + 16 <= left; lane += 16)
            {
                var values = Vector256.Load(at + lane);
                var visible = Vector256.Equals(values, zero);
                other |= ~(visible | Vector256.Equals(values, hidden));
                seen |= (ulong)visible.ExtractMostSignificantBits() << lane;
            }
            for (; lane < left; lane++)
            {
                if (at[lane] == 0)
                    seen |= 1UL << lane;
                else if (at[lane] != Hidden)
                    return false;
            }
            bits[word] = seen;
        }
        return other == Vector256<ushort>.Zero;
    }

    // A row joins its neighbours while what they see together is little more than what each sees alone: then each cell is read once for all of them.
    private void Group(int rows, int words, int maxRows)
    {
        for (var first = 0; first < rows;)
        {
            var union = _union.AsSpan(0, words);
            Row(first, words).CopyTo(union);
            int count = PopCount(union), largest = count, end = first + 1;
            for (; end < rows && end - first < maxRows; end++)
            {
                var row = Row(end, words);
                var (own, together) = CountWith(row, union);
                if (together * 4L > Math.Max(own, largest) * 5L)
                    break;
                for (var word = 0; word < words; word++)
                    union[word] |= row[word];
                (count, largest) = (together, Math.Max(largest, own));
            }
            Close(first, end - first, count, words);
            first = end;
        }
    }

    private void Close(int first, int rows, int count, int words)
    {
        var group = new AttentionGroup { FirstRow = first, Rows = rows, FirstCell = _cells.Count, Cells = count, FirstMask = -1 };
        var cell = _cells.Extend(count);
        for (var word = 0; word < words; word++)
            for (var bits = _union[word]; bits != 0; bits &= bits - 1)
                *cell++ = (word * TileCells) + BitOperations.TrailingZeroCount(bits);
        if (rows > 1)
        {
            group.FirstMask = _masks.Count;
            for (var row = first; row < first + rows; row++)
                AddMask(Row(row, words), group);
        }
        _groups.Add(group);
    }

    // The mask of a row over the group's own cells, which are fewer than the cache's: the bits that the union has, moved together.
    private void AddMask(ReadOnlySpan<ulong> row, in AttentionGroup group)
    {
        var target = _masks.Extend(group.Tiles);
        ulong bits = 0;
        var filled = 0;
        for (var word = 0; word < row.Length; word++)
        {
            var union = _union[word];
            if (union == 0)
                continue;
            var taken = Extract(row[word], union);
            bits |= taken << filled;
            filled += BitOperations.PopCount(union);
            if (filled < TileCells)
                continue;
            *target++ = bits;
            filled -= TileCells;
            // The bits that did not fit; a shift by all 64 would be one by none.
            bits = filled == 0 ? 0 : taken >> (BitOperations.PopCount(union) - filled);
        }
        if (filled > 0)
            *target = bits;
    }

    private static ulong Extract(ulong value, ulong mask)
    {
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitExtract(value, mask);
        ulong result = 0;
        for (var lane = 0; mask != 0; mask &= mask - 1, lane++)
            result |= ((value >> BitOperations.TrailingZeroCount(mask)) & 1) << lane;
        return result;
    }

    private Span<ulong> Row(int row, int words) => _rows.AsSpan(row * words, words);

    private static int PopCount(ReadOnlySpan<ulong> bits)
    {
        var count = 0;
        foreach (var word in bits)
            count += BitOperations.PopCount(word);
        return count;
    }

    private static (int Own, int Together) CountWith(ReadOnlySpan<ulong> row, ReadOnlySpan<ulong> union)
    {
        int own = 0, together = 0;
        for (var word = 0; word < row.Length; word++)
        {
            own += BitOperations.PopCount(row[word]);
            together += BitOperations.PopCount(row[word] | union[word]);
        }
        return (own, together);
    }
}
