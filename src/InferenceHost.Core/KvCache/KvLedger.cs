using InferenceHost.Core.Execution;

namespace InferenceHost.Core.KvCache;

/// <summary>
/// Accounts for every KV cell before it is used, and knows which sequences hold which tokens. It is a radix tree over tokens (one root per
/// <see cref="PrefixKey"/>) whose runs are *physical* cells: sequences that computed the same tokens apart have runs apart, sequences that share by
/// <see cref="IEngine.SharePrefix"/> share a run. So the sum over all runs is exactly what the engine's memory holds.
/// Owned by the engine thread. A sequence is either running or retained (the prefix cache).
/// </summary>
/// <remarks>Radix-tree reuse of the KV cache: Zheng et al., "SGLang: Efficient Execution of Structured Language Model Programs", 2024.</remarks>
public sealed class KvLedger
{
    private readonly Dictionary<PrefixKey, CellRun> _roots = [];
    private readonly Holder?[] _holders;
    private readonly Reservation _reservation;
    private long _clock;

    /// <summary>A ledger over <paramref name="capacityTokens"/> cells and <paramref name="maxSequences"/> sequence numbers.</summary>
    public KvLedger(int capacityTokens, int maxSequences)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacityTokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSequences);
        Capacity = capacityTokens;
        _holders = new Holder?[maxSequences];
        _reservation = new Reservation(this);
    }

    /// <summary>Cells in all.</summary>
    public int Capacity { get; }

    /// <summary>Cells that hold a token.</summary>
    public int Used { get; private set; }

    /// <summary>Cells promised to the step in progress.</summary>
    public int Reserved { get; private set; }

    /// <summary>Cells neither used nor promised.</summary>
    public int Free => Capacity - Used - Reserved;

    /// <summary>Sequences that only the prefix cache keeps.</summary>
    public int RetainedCount { get; private set; }

    /// <summary>Cells acquired since the start.</summary>
    public long Acquired { get; private set; }

    /// <summary>Cells released since the start; equal to <see cref="Acquired"/> when nothing is held.</summary>
    public long Released { get; private set; }

    /// <summary>Counts cells from now on as if those held had just been acquired.</summary>
    public void ResetCounters() => (Acquired, Released) = (Used, 0);

    /// <summary>Tokens of a sequence in the cache.</summary>
    public int Length(EngineSequence sequence) => Require(sequence).Leaf.End;

    /// <summary>Whether the sequence number is in use.</summary>
    public bool IsOpen(EngineSequence sequence) => _holders[sequence.Value] is not null;

    /// <summary>A sequence number nobody uses.</summary>
    public bool TryFindFree(out EngineSequence sequence)
    {
        var index = Array.IndexOf(_holders, null);
        sequence = new EngineSequence(Math.Max(index, 0));
        return index >= 0;
    }

    /// <summary>Opens an empty sequence; <paramref name="capacityTokens"/> avoids growing later.</summary>
    public void Open(EngineSequence sequence, PrefixKey key, int capacityTokens)
    {
        if (!_roots.TryGetValue(key, out var root)) _roots.Add(key, root = new CellRun(null, 0, 0));
        AddLeaf(sequence, key, root, capacityTokens);
    }

    /// <summary>
    /// The longest prefix of <paramref name="tokens"/> that a sequence of the same key holds, and that sequence. False where nothing matches.
    /// </summary>
    public bool TryMatch(PrefixKey key, ReadOnlySpan<int> tokens, out EngineSequence source, out int matched)
    {
        source = default;
        matched = 0;
        if (!_roots.TryGetValue(key, out var root) || MatchRuns(root, tokens, out matched) is not { } last) return false;
        source = AnyHolder(last);
        _holders[source.Value]!.LastUse = ++_clock;
        return true;
    }

    /// <summary>Opens a sequence that shares the first <paramref name="tokens"/> cells of <paramref name="source"/>.</summary>
    public void OpenShared(EngineSequence sequence, EngineSequence source, int tokens, int capacityTokens)
    {
        var holder = Require(source);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, holder.Leaf.End);
        var run = holder.Leaf;
        while (run.Parent is not null && run.Start >= tokens) run = run.Parent;
        if (run.Parent is not null && (tokens < run.End || run.Holder is not null)) run = run.SplitAt(tokens - run.Start);
        AddLeaf(sequence, holder.Key, run, capacityTokens - tokens);
    }

    /// <summary>Promises cells to a step; false where there are not enough. Not committed = given back by <see cref="Reservation.Dispose"/>.</summary>
    public bool TryReserve(int cells, out Reservation reservation)
    {
        if (Reserved != 0) throw new InvalidOperationException("one reservation at a time");
        reservation = _reservation;
        if (cells > Free) return false;
        Reserved = cells;
        return true;
    }

    /// <summary>Drops cells of a sequence behind <paramref name="length"/> tokens; only its private end may shrink.</summary>
    public void Truncate(EngineSequence sequence, int length)
    {
        var leaf = Require(sequence).Leaf;
        ArgumentOutOfRangeException.ThrowIfLessThan(length, leaf.Start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, leaf.End);
        Release(leaf.End - length);
        leaf.Truncate(length - leaf.Start);
    }

    /// <summary>Closes a sequence; its cells that nobody shares are free.</summary>
    public void Close(EngineSequence sequence)
    {
        var holder = Require(sequence);
        if (holder.Retained) RetainedCount--;
        _holders[sequence.Value] = null;
        var run = holder.Leaf;
        while (run.Parent is { } parent && run.Children.Count == 0)
        {
            Release(run.Count);
            parent.Children.Remove(run);
            run = parent;
        }
        if (run.Parent is null && run.Children.Count == 0) _roots.Remove(holder.Key);
    }

    /// <summary>Cells of a sequence that nobody shares: what <see cref="Close"/> would free.</summary>
    public int CountOwnCells(EngineSequence sequence)
    {
        var leaf = Require(sequence).Leaf;
        var cells = leaf.Count;
        for (var run = leaf.Parent; run is { Parent: not null, Children.Count: 1 }; run = run.Parent) cells += run.Count;
        return cells;
    }

    /// <summary>
    /// Makes a running sequence part of the prefix cache. False where another sequence holds the same tokens already (the caller closes this one then).
    /// </summary>
    public bool TryRetain(EngineSequence sequence)
    {
        var holder = Require(sequence);
        if (holder.Leaf.End == 0 || IsCoveredByAnother(holder)) return false;
        holder.Retained = true;
        holder.LastUse = ++_clock;
        RetainedCount++;
        return true;
    }

    /// <summary>A retained sequence whose cells are all shared with <paramref name="sequence"/>, and which therefore only costs a sequence number.</summary>
    public bool TryFindRedundant(EngineSequence sequence, out EngineSequence redundant)
    {
        for (var run = Require(sequence).Leaf.Parent; run is not null; run = run.Parent)
        {
            foreach (var child in run.Children)
            {
                if (child is not { Count: 0, Holder: { } number } || number == sequence.Value || !_holders[number]!.Retained) continue;
                redundant = new EngineSequence(number);
                return true;
            }
        }
        redundant = default;
        return false;
    }

    /// <summary>The retained sequence that has not been used for longest. False where none is retained.</summary>
    public bool TryFindLeastRecentlyUsed(out EngineSequence sequence)
    {
        var oldest = -1;
        for (var i = 0; i < _holders.Length; i++)
            if (_holders[i] is { Retained: true } holder && (oldest < 0 || holder.LastUse < _holders[oldest]!.LastUse)) oldest = i;
        sequence = new EngineSequence(Math.Max(oldest, 0));
        return oldest >= 0;
    }

    /// <summary>Cells that no running sequence holds. Walks the tree: for counters, not for the step.</summary>
    public int CountCachedCells()
    {
        var held = new HashSet<CellRun>();
        var running = 0;
        foreach (var holder in _holders)
            for (var run = holder is { Retained: false } ? holder.Leaf : null; run is not null && held.Add(run); run = run.Parent) running += run.Count;
        return Used - running;
    }

    /// <summary>Checks the tree against the counters; for tests. Throws on the first contradiction.</summary>
    public void CheckInvariants()
    {
        var sum = 0;
        foreach (var root in _roots.Values) Walk(root, ref sum);
        if (sum != Used) throw new InvalidOperationException($"runs hold {sum} cells, the ledger says {Used}");
        if (Used + Reserved > Capacity) throw new InvalidOperationException($"over-committed: {Used} used + {Reserved} reserved > {Capacity}");
        if (Acquired - Released != Used) throw new InvalidOperationException($"acquired {Acquired} - released {Released} is not {Used}");
        var retained = _holders.Count(h => h is { Retained: true });
        if (retained != RetainedCount) throw new InvalidOperationException($"{retained} sequences retained, the ledger says {RetainedCount}");
    }

    internal void Commit(EngineSequence sequence, ReadOnlySpan<int> tokens)
    {
        if (tokens.Length > Reserved) throw new InvalidOperationException($"{tokens.Length} cells committed, {Reserved} reserved");
        Reserved -= tokens.Length;
        Used += tokens.Length;
        Acquired += tokens.Length;
        Require(sequence).Leaf.Append(tokens);
    }

    internal void GiveBack() => Reserved = 0;

    private void Walk(CellRun run, ref int sum)
    {
        sum += run.Count;
        foreach (var child in run.Children)
        {
            if (child.Parent != run || child.Start != run.End) throw new InvalidOperationException("a run is not where its parent ends");
            Walk(child, ref sum);
        }
        if (run.Parent is null) return;
        var isLeaf = run.Children.Count == 0;
        if (isLeaf != run.Holder is not null) throw new InvalidOperationException("a run without children must be somebody's end, and only such a run");
        if (run.Holder is { } holder && _holders[holder]?.Leaf != run) throw new InvalidOperationException($"seq {holder} does not know its end");
    }

    private bool IsCoveredByAnother(Holder holder)
    {
        if (holder.Leaf.Count == 0) return true;
        Span<int> scratch = holder.Leaf.End <= 1024 ? stackalloc int[holder.Leaf.End] : new int[holder.Leaf.End];
        for (CellRun? run = holder.Leaf; run?.Parent is not null; run = run.Parent) run.Tokens.CopyTo(scratch[run.Start..]);
        // Take the own end out of sight: what still matches is somebody else's.
        var parent = holder.Leaf.Parent!;
        parent.Children.Remove(holder.Leaf);
        MatchRuns(_roots[holder.Key], scratch, out var matched);
        parent.Children.Add(holder.Leaf);
        return matched == scratch.Length;
    }

    /// <summary>Follows tokens down the tree; the last run that holds some of them.</summary>
    private static CellRun? MatchRuns(CellRun root, ReadOnlySpan<int> tokens, out int matched)
    {
        matched = 0;
        CellRun? last = null;
        for (var run = root; matched < tokens.Length; run = last!)
        {
            var (child, common) = BestChild(run, tokens[matched..]);
            if (child is null) break;
            matched += common;
            last = child;
            if (common < child.Count) break;
        }
        return last;
    }

    private static (CellRun? Child, int Common) BestChild(CellRun run, ReadOnlySpan<int> tokens)
    {
        CellRun? best = null;
        var common = 0;
        foreach (var child in run.Children)
        {
            if (child.Count == 0 || child.Tokens[0] != tokens[0]) continue;
            var length = child.Tokens.CommonPrefixLength(tokens);
            if (length > common) (best, common) = (child, length);
        }
        return (best, common);
    }

    private static EngineSequence AnyHolder(CellRun run)
    {
        while (run.Holder is null) run = run.Children[0];
        return new EngineSequence(run.Holder.Value);
    }

    private void AddLeaf(EngineSequence sequence, PrefixKey key, CellRun parent, int capacityTokens)
    {
        if (IsOpen(sequence)) throw new InvalidOperationException($"{sequence} is open already");
        var leaf = new CellRun(parent, parent.End, Math.Max(capacityTokens, 0)) { Holder = sequence.Value };
        parent.Children.Add(leaf);
        _holders[sequence.Value] = new Holder(key, leaf);
    }

    private Holder Require(EngineSequence sequence) =>
        _holders[sequence.Value] ?? throw new InvalidOperationException($"{sequence} is not open");

    private void Release(int cells)
    {
        Used -= cells;
        Released += cells;
    }

    private sealed class Holder(PrefixKey key, CellRun leaf)
    {
        public PrefixKey Key { get; } = key;
        public CellRun Leaf { get; } = leaf;
        public bool Retained { get; set; }
        public long LastUse { get; set; }
    }
}
