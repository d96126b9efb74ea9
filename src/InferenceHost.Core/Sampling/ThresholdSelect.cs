using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// The thresholds of top-k, top-p and typical-p without sorting: the range that the answer lies in is halved, with one vector pass over the keys per halving and no branch on data. Every few
/// halvings the keys outside of the range are left behind, so that all passes together read the keys a few times.
/// </summary>
/// <param name="capacity">Keys at most.</param>
internal sealed class ThresholdSelect(int capacity)
{
    private const int HalvingsPerNarrowing = 3, Few = 32;

    private readonly float[] _keys = new float[capacity];
    private readonly float[] _weights = new float[capacity];

    /// <summary>A threshold that exactly the k largest keys, and those that equal the k-th, reach (k from 1 to the number of keys).</summary>
    public float KeepingLargest(ReadOnlySpan<float> keys, int k)
    {
        var range = KeyRange.Of(keys);
        int aboveKeys = 0, aboveRange = 0;
        for (var halving = 1; !range.IsSingle; halving++)
        {
            var middle = range.Middle(halving);
            var count = aboveKeys + CountAtLeast(keys, middle);
            if (count == k)
                return middle;
            if (count > k)
            {
                range.Raise(middle);
            }
            else
            {
                range.Lower(middle);
                aboveRange = count;
            }

            if (halving % HalvingsPerNarrowing != 0 || keys.Length <= Few)
                continue;
            aboveKeys = aboveRange;
            keys = _keys.AsSpan(0, Compaction.Keep(keys, range.Least, range.Beyond, keys, _keys));
        }

        return range.Least;
    }

    /// <summary>The largest key t for which the mass of the keys of at least t reaches <paramref name="target"/>; the smallest key if all of them do not.</summary>
    /// <param name="keys">Ranks, larger first; not empty.</param>
    /// <param name="weights">Mass of each key.</param>
    /// <param name="target">Mass to be reached.</param>
    /// <param name="massAbove">Mass of the keys above t.</param>
    public float KeyReachingMass(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, double target, out double massAbove)
    {
        var allKeys = keys;
        var allWeights = weights;
        var range = KeyRange.Of(keys);
        massAbove = 0;
        var massBefore = 0.0;
        for (var halving = 1; keys.Length > Few && !range.IsSingle; halving++)
        {
            var middle = range.Middle(halving);
            var mass = massBefore + MassAtLeast(keys, weights, middle);
            if (mass > 0 && mass >= target)
            {
                range.Raise(middle);
            }
            else
            {
                range.Lower(middle);
                massAbove = mass;
            }

            if (halving % HalvingsPerNarrowing != 0 && !range.IsSingle)
                continue;
            massBefore = massAbove;
            var kept = Compaction.Keep(keys, range.Least, range.Beyond, weights, _weights);
            keys = _keys.AsSpan(0, Compaction.Keep(keys, range.Least, range.Beyond, keys, _keys));
            weights = _weights.AsSpan(0, kept);
        }

        if (!keys.IsEmpty)
            return range.IsSingle ? range.Least : Descend(keys, weights, target, ref massAbove);
        return NextAbove(allKeys, allWeights, range.Beyond, out massAbove);
    }

    /// <summary>Sum of weights, in double but for runs of a few vectors.</summary>
    public static double Sum(ReadOnlySpan<float> weights) => MassAtLeast(weights, weights, 0);

    // Sums over fewer keys round differently: that of the keys from `beyond` was found short of the target, and that of the same keys not. It is short by rounding alone.
    private static float NextAbove(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, float beyond, out double massAbove)
    {
        var next = float.PositiveInfinity;
        foreach (var key in keys)
            next = key >= beyond ? MathF.Min(next, key) : next;
        massAbove = MassAtLeast(keys, weights, MathF.BitIncrement(next));
        return next;
    }

    // The same key by key, for the few that are left.
    private static float Descend(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, double target, ref double massAbove)
    {
        for (var beyond = float.PositiveInfinity; ;)
        {
            var largest = float.NegativeInfinity;
            foreach (var key in keys)
                largest = key < beyond ? MathF.Max(largest, key) : largest;
            var (mass, last) = (massAbove, true);
            for (var index = 0; index < keys.Length; index++)
            {
                mass += keys[index] == largest ? weights[index] : 0;
                last &= keys[index] >= largest;
            }

            if (last || (mass > 0 && mass >= target))
                return largest;
            (massAbove, beyond) = (mass, largest);
        }
    }

    private static int CountAtLeast(ReadOnlySpan<float> keys, float threshold)
    {
        if (Vector512.IsHardwareAccelerated)
            return CountAtLeast<Lanes512, Vector512<float>>(keys, threshold);
        return Vector256.IsHardwareAccelerated
            ? CountAtLeast<Lanes256, Vector256<float>>(keys, threshold)
            : CountAtLeast<Lanes128, Vector128<float>>(keys, threshold);
    }

    /// <summary>Sum of the weights whose key is at least <paramref name="threshold"/>, as <see cref="Sum"/>.</summary>
    public static double MassAtLeast(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, float threshold)
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
