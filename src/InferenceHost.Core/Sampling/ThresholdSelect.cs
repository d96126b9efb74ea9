using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// The thresholds of top-k, top-p and typical-p without sorting: the answer is found by halving the range of float values, with one vector pass over the keys per halving. At most 32
/// passes without a branch on data; on keys of a decode step faster than a selection that moves elements.
/// </summary>
internal static class ThresholdSelect
{
    /// <summary>A threshold that exactly the k largest keys, and those that equal the k-th, reach (k from 1 to the number of keys).</summary>
    public static float KeepingLargest(ReadOnlySpan<float> keys, int k)
    {
        var (least, most) = Range(keys);
        long reached = Ordered(least), missed = Ordered(most) + 1L;
        while (missed - reached > 1)
        {
            var middle = (reached + missed) >> 1;
            var count = CountAtLeast(keys, Float((int)middle));
            if (count == k)
                return Float((int)middle);
            if (count > k)
                reached = middle;
            else
                missed = middle;
        }

        return Float((int)reached);
    }

    /// <summary>The largest key t for which the mass of the keys of at least t reaches <paramref name="target"/>; the smallest key if all of them do not.</summary>
    /// <param name="keys">Ranks, larger first; not empty.</param>
    /// <param name="weights">Mass of each key.</param>
    /// <param name="target">Mass to be reached.</param>
    /// <param name="massAbove">Mass of the keys above t.</param>
    public static float KeyReachingMass(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, double target, out double massAbove)
    {
        var (least, most) = Range(keys);
        long reached = Ordered(least), missed = Ordered(most) + 1L;
        massAbove = 0;
        while (missed - reached > 1)
        {
            var middle = (reached + missed) >> 1;
            var mass = MassAtLeast(keys, weights, Float((int)middle));
            if (mass > 0 && mass >= target)
            {
                reached = middle;
            }
            else
            {
                missed = middle;
                massAbove = mass;
            }
        }

        return Float((int)reached);
    }

    /// <summary>Sum of weights, in double but for runs of a few vectors.</summary>
    public static double Sum(ReadOnlySpan<float> weights) => MassAtLeast(weights, weights, 0);

    private static (float Least, float Most) Range(ReadOnlySpan<float> keys)
    {
        if (Vector512.IsHardwareAccelerated)
            return Range<Lanes512, Vector512<float>>(keys);
        return Vector256.IsHardwareAccelerated ? Range<Lanes256, Vector256<float>>(keys) : Range<Lanes128, Vector128<float>>(keys);
    }

    private static (float Least, float Most) Range<TLanes, TVector>(ReadOnlySpan<float> keys)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ref var start = ref MemoryMarshal.GetReference(keys);
        var (zeros, negatedLeast, mosts) = (TLanes.Broadcast(0), TLanes.Broadcast(-keys[0]), TLanes.Broadcast(keys[0]));
        var index = 0;
        for (; index + TLanes.Width <= keys.Length; index += TLanes.Width)
        {
            var vector = TLanes.Load(ref start, index);
            mosts = TLanes.Max(mosts, vector);
            negatedLeast = TLanes.Max(negatedLeast, TLanes.Subtract(zeros, vector));
        }

        var (least, most) = (-TLanes.MaxOf(negatedLeast), TLanes.MaxOf(mosts));
        for (; index < keys.Length; index++)
        {
            least = MathF.Min(least, keys[index]);
            most = MathF.Max(most, keys[index]);
        }

        return (least, most);
    }

    // Floats in the order of integers, and back: the map is its own inverse.
    private static int Ordered(float value) => Flip(BitConverter.SingleToInt32Bits(value));

    private static float Float(int ordered) => BitConverter.Int32BitsToSingle(Flip(ordered));

    private static int Flip(int bits) => bits ^ ((bits >> 31) & int.MaxValue);

    private static int CountAtLeast(ReadOnlySpan<float> keys, float threshold)
    {
        if (Vector512.IsHardwareAccelerated)
            return CountAtLeast<Lanes512, Vector512<float>>(keys, threshold);
        return Vector256.IsHardwareAccelerated
            ? CountAtLeast<Lanes256, Vector256<float>>(keys, threshold)
            : CountAtLeast<Lanes128, Vector128<float>>(keys, threshold);
    }

    private static double MassAtLeast(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, float threshold)
    {
        if (Vector512.IsHardwareAccelerated)
            return MassAtLeast<Lanes512, Vector512<float>>(keys, weights, threshold);
        return Vector256.IsHardwareAccelerated
            ? MassAtLeast<Lanes256, Vector256<float>>(keys, weights, threshold)
            : MassAtLeast<Lanes128, Vector128<float>>(keys, weights, threshold);
    }

    private static int CountAtLeast<TLanes, TVector>(ReadOnlySpan<float> keys, float threshold)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ref var start = ref MemoryMarshal.GetReference(keys);
        var thresholds = TLanes.Broadcast(threshold);
        int count = 0, index = 0;
        for (; index + TLanes.Width <= keys.Length; index += TLanes.Width)
            count += BitOperations.PopCount(TLanes.Bits(TLanes.AtMost(thresholds, TLanes.Load(ref start, index))));
        for (; index < keys.Length; index++)
            count += keys[index] >= threshold ? 1 : 0;
        return count;
    }

    private static double MassAtLeast<TLanes, TVector>(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, float threshold)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        // Few additions in float, then on in double: the sum of a whole vocabulary stays exact enough to place a border.
        const int FloatAdditions = 16;
        weights = weights[..keys.Length];
        ref var key = ref MemoryMarshal.GetReference(keys);
        ref var weight = ref MemoryMarshal.GetReference(weights);
        var thresholds = TLanes.Broadcast(threshold);
        double mass = 0;
        var index = 0;
        while (index + TLanes.Width <= keys.Length)
        {
            var sum = TLanes.Broadcast(0);
            for (var addition = 0; addition < FloatAdditions && index + TLanes.Width <= keys.Length; addition++, index += TLanes.Width)
                sum = TLanes.Add(sum, TLanes.And(TLanes.Load(ref weight, index), TLanes.AtMost(thresholds, TLanes.Load(ref key, index))));
            mass += TLanes.SumOf(sum);
        }

        for (; index < keys.Length; index++)
            mass += keys[index] >= threshold ? weights[index] : 0;
        return mass;
    }
}
