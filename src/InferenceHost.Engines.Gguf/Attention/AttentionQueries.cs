using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>What both ways of computing attention do with a query before and between the products.</summary>
internal static unsafe class AttentionQueries
{
    /// <summary>Copies a group's queries times their factor, and begins maxima, sums and results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare<TLanes, TVector>(AttentionSite* site, in AttentionGroup group, int head, int queries, in AttentionScratch scratch)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var factor = TLanes.Broadcast(Factor(site));
        for (var query = 0; query < queries; query++)
        {
            var source = Query(site, group, head, query);
            var target = scratch.Queried + (query * site->KeySize);
            for (var at = 0; at < site->KeySize; at += TLanes.Width)
                TLanes.Store(TLanes.Multiply(TLanes.Load(ref *source, at), factor), ref *target, at);
            scratch.Maxima[query] = Softmax<TLanes, TVector>.Unseen;
            scratch.Sums[query] = 0;
        }
        new Span<float>(scratch.Results, queries * site->ValueSize).Clear();
    }

    /// <summary>Scores of a query over a tile become weights, with room for whole vectors; returns what its results so far are to be multiplied by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Weigh<TLanes, TVector>(in AttentionTile tile, int query, float* scores, in AttentionScratch scratch)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var count = tile.Count;
        var whole = (count + TLanes.Width - 1) / TLanes.Width * TLanes.Width;
        if (tile.Site->SoftCap != 0)
            Cap(scores, count, tile.Site->SoftCap);
        Hide(tile, query, scores);
        for (var cell = count; cell < whole; cell++)
            scores[cell] = Softmax<TLanes, TVector>.Unseen;
        return Softmax<TLanes, TVector>.Row(scores, whole, ref scratch.Maxima[query], ref scratch.Sums[query]);
    }

    // What queries are multiplied by, so that scores come out to base 2 (or as the argument of the hyperbolic tangent, where scores are capped).
    private static float Factor(AttentionSite* site) => site->SoftCap == 0 ? site->Scale * VectorExp.Log2E : site->Scale / site->SoftCap;

    // The floats of a group's query; queries are numbered row by row, heads within.
    private static float* Query(AttentionSite* site, in AttentionGroup group, int head, int query) =>
        (float*)(site->Q + ((group.FirstRow + (query / site->Sharing)) * site->QRow) + (((head * site->Sharing) + (query % site->Sharing)) * site->QHead));

    // Caps scores and brings them to base 2.
    private static void Cap(float* scores, int count, float cap)
    {
        for (var at = 0; at < count; at++)
            scores[at] = cap * VectorExp.Log2E * MathF.Tanh(scores[at]);
    }

    // Marks the cells that a query does not see.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Hide(in AttentionTile tile, int query, float* scores)
    {
        if (tile.Group->FirstMask < 0)
            return;
        var seen = tile.Site->Plan.Masks[tile.Group->FirstMask + (query / tile.Site->Sharing * tile.Group->Tiles) + tile.Index];
        var all = tile.Count == AttentionPlan.TileCells ? ulong.MaxValue : (1UL << tile.Count) - 1;
        if (seen == all)
            return;
        for (var hidden = all & ~seen; hidden != 0; hidden &= hidden - 1)
            scores[BitOperations.TrailingZeroCount(hidden)] = Softmax<Lanes128, Vector128<float>>.Unseen;
    }
}
