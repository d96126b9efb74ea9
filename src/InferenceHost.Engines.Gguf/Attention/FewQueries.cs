using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Attention for the queries of a row or two: vectors run along the head, cells are widened on the way and never stored.</summary>
internal static unsafe class FewQueries<TLanes, TVector, TCells>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
    where TCells : ICellFormat
{
    private const int Tile = AttentionPlan.TileCells;

    /// <summary>Queries that are worked on together.</summary>
    private const int Together = 4;

    private const int FetchAhead = 24, LineBytes = 64;

    /// <summary>Queries up to which this is the faster way.</summary>
    public static int Limit => Math.Max(8, TLanes.Width * 3 / 4);

    /// <summary>Computes a part for one key-value head into the scratch's results, maxima and sums.</summary>
    public static void Run(AttentionSite* site, in AttentionGroup group, in AttentionPart part, int head, in AttentionScratch scratch)
    {
        var queries = group.Rows * site->Sharing;
        Prepare(site, group, head, queries, scratch);
        for (var first = 0; first < queries; first += Together)
        {
            switch (Math.Min(Together, queries - first))
            {
                case 1: Block<One>(site, group, part, head, first, scratch); break;
                case 2: Block<Two>(site, group, part, head, first, scratch); break;
                case 3: Block<Three>(site, group, part, head, first, scratch); break;
                default: Block<Four>(site, group, part, head, first, scratch); break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prepare(AttentionSite* site, in AttentionGroup group, int head, int queries, in AttentionScratch scratch)
    {
        var factor = TLanes.Broadcast(AttentionKernel.QueryFactor(site));
        for (var query = 0; query < queries; query++)
        {
            var source = AttentionKernel.Query(site, group, head, query);
            var target = scratch.Queried + (query * site->KeySize);
            for (var at = 0; at < site->KeySize; at += TLanes.Width)
                TLanes.Store(TLanes.Multiply(TLanes.Load(ref *source, at), factor), ref *target, at);
            scratch.Maxima[query] = Softmax<TLanes, TVector>.Unseen;
            scratch.Sums[query] = 0;
        }
        new Span<float>(scratch.Results, queries * site->ValueSize).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<TCount>(AttentionSite* site, in AttentionGroup group, in AttentionPart part, int head, int first, in AttentionScratch scratch)
        where TCount : ICount
    {
        var results = scratch.Results + (first * site->ValueSize);
        for (var tile = part.FirstTile; tile < part.FirstTile + part.Tiles; tile++)
        {
            var cells = site->Plan.Cells + group.FirstCell + (tile * Tile);
            var count = Math.Min(Tile, group.Cells - (tile * Tile));
            Score<TCount>(site, cells, count, group.Cells - (tile * Tile), head, scratch.Queried + (first * site->KeySize), scratch.Scores);
            var padded = (count + TLanes.Width - 1) / TLanes.Width * TLanes.Width;
            for (var query = 0; query < TCount.Value; query++)
            {
                var scores = scratch.Scores + (query * Tile);
                if (site->SoftCap != 0)
                    AttentionKernel.Cap(scores, count, site->SoftCap);
                AttentionKernel.Hide(site, group, tile, first + query, scores, count, 1);
                for (var cell = count; cell < padded; cell++)
                    scores[cell] = Softmax<TLanes, TVector>.Unseen;
                scratch.Fading[query] = Softmax<TLanes, TVector>.Row(scores, padded, ref scratch.Maxima[first + query], ref scratch.Sums[first + query]);
            }
            var at = 0;
            for (; at + (2 * TLanes.Width) <= site->ValueSize; at += 2 * TLanes.Width)
                Gather<TCount, Two>(site, cells, count, head, at, scratch, results);
            if (at < site->ValueSize)
                Gather<TCount, One>(site, cells, count, head, at, scratch, results);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<TCount>(AttentionSite* site, int* cells, int count, int left, int head, float* queries, float* scores)
        where TCount : ICount
    {
        var (size, stride) = (site->KeySize, site->KCell);
        var keys = site->K + (head * site->KHead);
        for (var cell = 0; cell < count; cell++)
        {
            Fetch(site, cells, Math.Min(cell + FetchAhead, left - 1), head);
            var row = keys + (cells[cell] * stride);
            var a = TLanes.Broadcast(0);
            var (b, c, d) = (a, a, a);
            for (var at = 0; at < size; at += TLanes.Width)
            {
                var key = TCells.Load<TVector>(row, at);
                a = TLanes.MultiplyAdd(key, TLanes.Load(ref *queries, at), a);
                if (TCount.Value > 1)
                    b = TLanes.MultiplyAdd(key, TLanes.Load(ref *queries, at + size), b);
                if (TCount.Value > 2)
                    c = TLanes.MultiplyAdd(key, TLanes.Load(ref *queries, at + (2 * size)), c);
                if (TCount.Value > 3)
                    d = TLanes.MultiplyAdd(key, TLanes.Load(ref *queries, at + (3 * size)), d);
            }
            scores[cell] = TLanes.SumOf(a);
            if (TCount.Value > 1)
                scores[cell + Tile] = TLanes.SumOf(b);
            if (TCount.Value > 2)
                scores[cell + (2 * Tile)] = TLanes.SumOf(c);
            if (TCount.Value > 3)
                scores[cell + (3 * Tile)] = TLanes.SumOf(d);
        }
    }

    // A long sequence's cells come from memory, a line or two of each cell per head, which the processor's own prefetching does not foresee.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(AttentionSite* site, int* cells, int cell, int head)
    {
        if (!Sse.IsSupported)
            return;
        var key = site->K + (cells[cell] * site->KCell) + (head * site->KHead);
        for (nint at = 0; at < site->KHead; at += LineBytes)
            Sse.Prefetch0(key + at);
        var value = site->V + (cells[cell] * site->VCell) + (head * site->VHead);
        for (nint at = 0; at < site->VHead; at += LineBytes)
            Sse.Prefetch0(value + at);
    }

    // One or two vectors of the values, summed over the tile's cells for all queries of the block.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<TCount, TVectors>(AttentionSite* site, int* cells, int count, int head, int at, in AttentionScratch scratch, float* results)
        where TCount : ICount
        where TVectors : ICount
    {
        var (size, stride, second) = (site->ValueSize, site->VCell, TLanes.Width);
        var values = site->V + (head * site->VHead);
        var weights = scratch.Scores;
        var target = results + at;
        Fade<TVectors>(target, scratch.Fading[0], out var a0, out var a1);
        var (b0, b1, c0, c1, d0, d1) = (a0, a0, a0, a0, a0, a0);
        if (TCount.Value > 1)
            Fade<TVectors>(target + size, scratch.Fading[1], out b0, out b1);
        if (TCount.Value > 2)
            Fade<TVectors>(target + (2 * size), scratch.Fading[2], out c0, out c1);
        if (TCount.Value > 3)
            Fade<TVectors>(target + (3 * size), scratch.Fading[3], out d0, out d1);
        for (var cell = 0; cell < count; cell++)
        {
            var row = values + (cells[cell] * stride);
            var v0 = TCells.Load<TVector>(row, at);
            var v1 = TVectors.Value > 1 ? TCells.Load<TVector>(row, at + second) : v0;
            Add<TVectors>(weights[cell], v0, v1, ref a0, ref a1);
            if (TCount.Value > 1)
                Add<TVectors>(weights[cell + Tile], v0, v1, ref b0, ref b1);
            if (TCount.Value > 2)
                Add<TVectors>(weights[cell + (2 * Tile)], v0, v1, ref c0, ref c1);
            if (TCount.Value > 3)
                Add<TVectors>(weights[cell + (3 * Tile)], v0, v1, ref d0, ref d1);
        }
        Store<TVectors>(target, a0, a1);
        if (TCount.Value > 1)
            Store<TVectors>(target + size, b0, b1);
        if (TCount.Value > 2)
            Store<TVectors>(target + (2 * size), c0, c1);
        if (TCount.Value > 3)
            Store<TVectors>(target + (3 * size), d0, d1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fade<TVectors>(float* target, float fading, out TVector first, out TVector second)
        where TVectors : ICount
    {
        var factor = TLanes.Broadcast(fading);
        first = TLanes.Multiply(TLanes.Load(ref *target, 0), factor);
        second = TVectors.Value > 1 ? TLanes.Multiply(TLanes.Load(ref *target, TLanes.Width), factor) : first;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TVectors>(float weight, TVector v0, TVector v1, ref TVector first, ref TVector second)
        where TVectors : ICount
    {
        var factor = TLanes.Broadcast(weight);
        first = TLanes.MultiplyAdd(factor, v0, first);
        if (TVectors.Value > 1)
            second = TLanes.MultiplyAdd(factor, v1, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVectors>(float* target, TVector first, TVector second)
        where TVectors : ICount
    {
        TLanes.Store(first, ref *target, 0);
        if (TVectors.Value > 1)
            TLanes.Store(second, ref *target, TLanes.Width);
    }
}
