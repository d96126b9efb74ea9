using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

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
        var total = site->Plan.PartCount;
        for (var at = Interlocked.Increment(ref site->Next) - 1; at < total; at = Interlocked.Increment(ref site->Next) - 1)
            Run(site, site->Plan.Parts[at], scratch);
    }

    private static void Run(AttentionSite* site, in AttentionPart part, in AttentionScratch scratch)
    {
        var group = site->Plan.Groups + part.Group;
        var queries = group->Rows * site->Sharing;
        for (var head = 0; head < part.Heads; head++)
            AttentionQueries.Prepare<TLanes, TVector>(site, *group, part.FirstHead + head, queries, scratch.From(head * queries, site));
        for (var index = part.FirstTile; index < part.FirstTile + part.Tiles; index++)
        {
            for (var head = 0; head < part.Heads; head++)
            {
                var tile = new AttentionTile(site, group, part, index, part.FirstHead + head);
                if (queries <= FewQueries<TLanes, TVector, TCells>.Limit)
                    FewQueries<TLanes, TVector, TCells>.Run(tile, scratch.From(head * queries, site));
                else
                    ManyQueries<TLanes, TVector, TCells>.Run(tile, scratch.From(head * queries, site));
            }
        }
        for (var head = 0; head < part.Heads; head++)
        {
            if (group->Parts == 1)
                Write(site, *group, part.FirstHead + head, scratch.From(head * queries, site));
            else
                Leave(site, *group, part, part.FirstHead + head, scratch.From(head * queries, site));
        }
    }

    // The last of a group's parts to come puts them all together; no thread waits for another.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Leave(AttentionSite* site, in AttentionGroup group, in AttentionPart part, int head, in AttentionScratch scratch)
    {
        var (size, queries) = (site->ValueSize, group.Rows * site->Sharing);
        var target = Partial(site, part.Number, head);
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
