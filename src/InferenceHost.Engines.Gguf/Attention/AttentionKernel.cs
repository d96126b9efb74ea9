using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>What both ways of computing attention share.</summary>
internal static unsafe class AttentionKernel
{
    /// <summary>What queries are multiplied by, so that scores come out to base 2 (or as the argument of the hyperbolic tangent, where scores are capped).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float QueryFactor(AttentionSite* site) => site->SoftCap == 0 ? site->Scale * VectorExp.Log2E : site->Scale / site->SoftCap;

    /// <summary>The floats of a group's query; queries are numbered row by row, heads within.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Query(AttentionSite* site, in AttentionGroup group, int head, int query) =>
        (float*)(site->Q + ((group.FirstRow + (query / site->Sharing)) * site->QRow) + (((head * site->Sharing) + (query % site->Sharing)) * site->QHead));

    /// <summary>Caps scores and brings them to base 2.</summary>
    public static void Cap(float* scores, int count, float cap)
    {
        for (var at = 0; at < count; at++)
            scores[at] = cap * VectorExp.Log2E * MathF.Tanh(scores[at]);
    }

    /// <summary>Marks the cells of a tile that a query does not see; scores are <paramref name="stride"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Hide(AttentionSite* site, in AttentionGroup group, int tile, int query, float* scores, int count, int stride)
    {
        if (group.FirstMask < 0)
            return;
        var seen = site->Plan.Masks[group.FirstMask + (query / site->Sharing * group.Tiles) + tile];
        var all = count == AttentionPlan.TileCells ? ulong.MaxValue : (1UL << count) - 1;
        if (seen == all)
            return;
        for (var hidden = all & ~seen; hidden != 0; hidden &= hidden - 1)
            scores[BitOperations.TrailingZeroCount(hidden) * stride] = Softmax<Lanes128, Vector128<float>>.Unseen;
    }
}

/// <summary>Takes parts until there are none, and puts the parts of a group together where it has several.</summary>
internal static unsafe class AttentionKernel<TLanes, TVector, TCells>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
    where TCells : ICellFormat
{
    private const int Statistics = 2;

    /// <summary>What one thread does of a node.</summary>
    public static void Run(AttentionSite* site, int thread)
    {
        var scratch = new AttentionScratch(site->Buffers->Scratch + (thread * site->Buffers->ScratchFloats), site->KeySize, site->ValueSize);
        var heads = site->KvHeads;
        var total = site->Plan.PartCount * heads;
        for (var at = Interlocked.Increment(ref site->Next) - 1; at < total; at = Interlocked.Increment(ref site->Next) - 1)
        {
            ref var part = ref site->Plan.Parts[at / heads];
            ref var group = ref site->Plan.Groups[part.Group];
            var head = at % heads;
            if (group.Rows * site->Sharing <= FewQueries<TLanes, TVector, TCells>.Limit)
                FewQueries<TLanes, TVector, TCells>.Run(site, group, part, head, scratch);
            else
                ManyQueries<TLanes, TVector, TCells>.Run(site, group, part, head, scratch);
            if (group.Parts == 1)
                Write(site, group, head, scratch);
            else
                Leave(site, group, part, at / heads, head, scratch);
        }
    }

    // The last of a group's parts to come puts them all together; no thread waits for another.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Leave(AttentionSite* site, in AttentionGroup group, in AttentionPart part, int number, int head, in AttentionScratch scratch)
    {
        var (size, queries) = (site->ValueSize, group.Rows * site->Sharing);
        var target = Partial(site, number, head);
        for (var query = 0; query < queries; query++, target += Statistics + size)
        {
            target[0] = scratch.Maxima[query];
            target[1] = scratch.Sums[query];
            new ReadOnlySpan<float>(scratch.Results + (query * size), size).CopyTo(new Span<float>(target + Statistics, size));
        }
        ref var pending = ref site->Plan.Pending[(part.Group * site->KvHeads) + head];
        if (Interlocked.Decrement(ref pending) != 0)
            return;
        pending = group.Parts;
        for (var query = 0; query < queries; query++)
            Merge(site, group, query, head, scratch);
        Write(site, group, head, scratch);
    }

    private static float* Partial(AttentionSite* site, int number, int head) => site->Buffers->Partial + (((number * site->KvHeads) + head) * site->PartialFloats);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Merge(AttentionSite* site, in AttentionGroup group, int query, int head, in AttentionScratch scratch)
    {
        var size = site->ValueSize;
        var offset = query * (Statistics + size);
        var maximum = Softmax<TLanes, TVector>.Unseen;
        for (var part = 0; part < group.Parts; part++)
            maximum = Math.Max(maximum, Partial(site, group.FirstPart + part, head)[offset]);
        var results = new Span<float>(scratch.Results + (query * size), size);
        results.Clear();
        float sum = 0;
        for (var part = 0; part < group.Parts; part++)
        {
            var source = Partial(site, group.FirstPart + part, head) + offset;
            var weight = Softmax<TLanes, TVector>.Weight(source[0] - maximum);
            sum += source[1] * weight;
            for (var at = 0; at < size; at++)
                results[at] += source[Statistics + at] * weight;
        }
        (scratch.Maxima[query], scratch.Sums[query]) = (maximum, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(AttentionSite* site, in AttentionGroup group, int head, in AttentionScratch scratch)
    {
        var size = site->ValueSize;
        for (var query = 0; query < group.Rows * site->Sharing; query++)
        {
            var own = (head * site->Sharing) + (query % site->Sharing);
            var factor = TLanes.Broadcast(Factor(scratch.Maxima[query], scratch.Sums[query], site->Sinks == null ? null : site->Sinks + own));
            var source = scratch.Results + (query * size);
            var target = site->Out + ((((nint)(group.FirstRow + (query / site->Sharing)) * site->Heads) + own) * size);
            for (var at = 0; at < size; at += TLanes.Width)
                TLanes.Store(TLanes.Multiply(TLanes.Load(ref *source, at), factor), ref *target, at);
        }
    }

    // One over the sum of the weights; a sink adds to the sum alone.
    private static float Factor(float maximum, float sum, float* sink)
    {
        if (maximum <= Softmax<TLanes, TVector>.Unseen)
            return 0;
        if (sink == null)
            return 1 / sum;
        var score = *sink * VectorExp.Log2E;
        var greatest = Math.Max(maximum, score);
        var own = Softmax<TLanes, TVector>.Weight(maximum - greatest);
        return own / ((sum * own) + Softmax<TLanes, TVector>.Weight(score - greatest));
    }
}
