using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Attention for the queries of a row or two: vectors run along the head, cells are widened on the way and never stored.</summary>
internal static unsafe class FewQueries<TLanes, TVector, TCells>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
    where TCells : ICellFormat
{
    private const int Tile = AttentionPlan.TileCells;

    /// <summary>Queries up to which this is the faster way; so many are worked on together.</summary>
    public const int Limit = 4;

    private const int FetchAhead = 32;

    /// <summary>Adds a tile to the scratch's results, maxima and sums.</summary>
    public static void Run(in AttentionTile tile, in AttentionScratch scratch)
    {
        switch (tile.Queries)
        {
            case 1: Block<One>(tile, scratch); break;
            case 2: Block<Two>(tile, scratch); break;
            case 3: Block<Three>(tile, scratch); break;
            default: Block<Four>(tile, scratch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<TCount>(in AttentionTile tile, in AttentionScratch scratch)
        where TCount : ICount
    {
        var site = tile.Site;
        Score<TCount>(tile, scratch.Queried, scratch.Scores);
        for (var query = 0; query < TCount.Value; query++)
            scratch.Fading[query] = AttentionQueries.Weigh<TLanes, TVector>(tile, query, scratch.Scores + (query * Tile), scratch);
        var at = 0;
        for (; at + (2 * TLanes.Width) <= site->ValueSize; at += 2 * TLanes.Width)
            Gather<TCount, Two>(tile, at, scratch);
        if (at < site->ValueSize)
            Gather<TCount, One>(tile, at, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score<TCount>(in AttentionTile tile, float* queries, float* scores)
        where TCount : ICount
    {
        var (size, stride, count) = (tile.Site->KeySize, tile.Site->KCell, tile.Count);
        var keys = tile.Keys;
        var cells = tile.Cells;
        var (keysAhead, valuesAhead) = (tile.KeysAhead(FetchAhead), tile.ValuesAhead(FetchAhead));
        for (var cell = 0; cell < count; cell++)
        {
            keysAhead.Fetch(cell);
            valuesAhead.Fetch(cell);
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

    // One or two vectors of the values, summed over the tile's cells for all queries of the block.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<TCount, TVectors>(in AttentionTile tile, int at, in AttentionScratch scratch)
        where TCount : ICount
        where TVectors : ICount
    {
        var (size, stride, second, count) = (tile.Site->ValueSize, tile.Site->VCell, TLanes.Width, tile.Count);
        var values = tile.Values;
        var cells = tile.Cells;
        var weights = scratch.Scores;
        var target = scratch.Results + at;
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
