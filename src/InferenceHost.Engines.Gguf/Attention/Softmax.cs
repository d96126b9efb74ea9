using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Softmax over scores that come tile by tile: the greatest score and the sum of the weights are carried on, what was summed before fades when a greater score comes.
/// Scores are to base 2. Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Rabe and Staats, "Self-attention does not need O(n^2) memory", 2021.
/// </summary>
internal static unsafe class Softmax<TLanes, TVector>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
{
    /// <summary>Score of a cell that a query does not see: its weight is exactly 0.</summary>
    public const float Unseen = -1e30f;

    /// <summary>2 to the power of non-positive lanes; 0 for what is too small to count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Weight(TVector power) =>
        TLanes.And(VectorExp.PowerOfTwo<TLanes, TVector>(power), TLanes.AtMost(TLanes.Broadcast(VectorExp.LeastPower), power));

    /// <summary>The same for one number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Weight(float power) => TLanes.MaxOf(Weight(TLanes.Broadcast(power)));

    /// <summary>Scores of one query become weights; returns what its results so far are to be multiplied by.</summary>
    /// <param name="scores">Scores, padded to whole vectors with <see cref="Unseen"/>.</param>
    /// <param name="count">How many with the padding.</param>
    /// <param name="maximum">The query's greatest score so far.</param>
    /// <param name="sum">The sum of its weights so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Row(float* scores, int count, ref float maximum, ref float sum)
    {
        var best = TLanes.Load(ref *scores, 0);
        for (var at = TLanes.Width; at < count; at += TLanes.Width)
            best = TLanes.Max(best, TLanes.Load(ref *scores, at));
        var fading = 1f;
        // Mostly no score is greater than those before: then there is nothing to reduce.
        if (maximum <= Unseen || TLanes.Bits(TLanes.AtMost(best, TLanes.Broadcast(maximum))) != (1UL << TLanes.Width) - 1)
        {
            var greatest = TLanes.MaxOf(best);
            if (greatest <= Unseen)
            {
                new Span<float>(scores, count).Clear();
                return 1;
            }
            if (greatest > maximum)
            {
                fading = Weight(maximum - greatest);
                maximum = greatest;
            }
        }
        var shift = TLanes.Broadcast(maximum);
        var total = TLanes.Broadcast(0);
        for (var at = 0; at < count; at += TLanes.Width)
        {
            var weights = Weight(TLanes.Subtract(TLanes.Load(ref *scores, at), shift));
            TLanes.Store(weights, ref *scores, at);
            total = TLanes.Add(total, weights);
        }
        sum = (sum * fading) + TLanes.SumOf(total);
        return fading;
    }
}
