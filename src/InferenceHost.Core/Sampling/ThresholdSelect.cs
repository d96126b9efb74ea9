namespace InferenceHost.Core.Sampling;

/// <summary>Quickselect by count or by mass: the thresholds of top-k, top-p and typical-p in linear time, without sorting.</summary>
internal static class ThresholdSelect
{
    /// <summary>The k-th largest key (k from 1). The keys are reordered.</summary>
    public static float KthLargest(Span<float> keys, int k)
    {
        var pivots = 0x9E3779B9u;
        while (true)
        {
            var pivot = keys[Pivot(ref pivots, keys.Length)];
            var (greater, notLess) = Partition(keys, default, pivot);
            if (k <= greater)
            {
                keys = keys[..greater];
            }
            else if (k <= notLess)
            {
                return pivot;
            }
            else
            {
                keys = keys[notLess..];
                k -= notLess;
            }
        }
    }

    /// <summary>
    /// The largest key t for which the mass of the keys of at least t reaches <paramref name="target"/>; the smallest key if all of them do not.
    /// Keys and weights are reordered together.
    /// </summary>
    /// <param name="keys">Ranks, larger first; not empty.</param>
    /// <param name="weights">Mass of each key.</param>
    /// <param name="target">Mass to be reached.</param>
    /// <param name="massAbove">Mass of the keys above t.</param>
    public static float KeyReachingMass(Span<float> keys, Span<float> weights, double target, out double massAbove)
    {
        var pivots = 0x9E3779B9u;
        massAbove = 0;
        while (true)
        {
            var pivot = keys[Pivot(ref pivots, keys.Length)];
            var (greater, notLess) = Partition(keys, weights, pivot);
            var massGreater = massAbove + Sum(weights[..greater]);
            if (greater > 0 && massGreater >= target)
            {
                keys = keys[..greater];
                weights = weights[..greater];
                continue;
            }

            var massNotLess = massGreater + Sum(weights[greater..notLess]);
            if (massNotLess >= target || notLess == keys.Length)
            {
                massAbove = massGreater;
                return pivot;
            }

            massAbove = massNotLess;
            keys = keys[notLess..];
            weights = weights[notLess..];
        }
    }

    // Pseudo-random pivots: no order of the logits makes the selection quadratic except by chance.
    private static int Pivot(ref uint state, int length)
    {
        state = unchecked((state * 1664525u) + 1013904223u);
        return (int)((ulong)state * (uint)length >> 32);
    }

    // Three ways: keys above the pivot, equal to it, below it. Returns the first two borders.
    private static (int Greater, int NotLess) Partition(Span<float> keys, Span<float> weights, float pivot)
    {
        int greater = 0, next = 0, less = keys.Length;
        while (next < less)
        {
            if (keys[next] > pivot)
                Swap(keys, weights, greater++, next++);
            else if (keys[next] < pivot)
                Swap(keys, weights, next, --less);
            else
                next++;
        }

        return (greater, less);
    }

    private static void Swap(Span<float> keys, Span<float> weights, int a, int b)
    {
        (keys[a], keys[b]) = (keys[b], keys[a]);
        if (!weights.IsEmpty)
            (weights[a], weights[b]) = (weights[b], weights[a]);
    }

    private static double Sum(ReadOnlySpan<float> weights)
    {
        double sum = 0;
        foreach (var weight in weights)
            sum += weight;
        return sum;
    }
}
