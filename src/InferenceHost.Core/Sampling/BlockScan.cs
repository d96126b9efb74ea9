using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// One pass over a row of logits that leaves behind, for each block of <see cref="BlockTokens"/> tokens, its maximum and if wanted its sum of
/// exponentials. Later steps look only into blocks whose maximum reaches their threshold, so that the row is read from memory once.
/// </summary>
internal static class BlockScan
{
    /// <summary>Tokens per block: 512 bytes, so that the second look at a block finds it in the first-level cache.</summary>
    public const int BlockTokens = 128;

    /// <summary>Number of blocks of a row; the last may be shorter.</summary>
    public static int Blocks(int tokens) => (tokens + BlockTokens - 1) / BlockTokens;

    /// <summary>Maximum of every block.</summary>
    /// <returns>False when a logit is NaN or positive infinity.</returns>
    public static bool Maxima(ReadOnlySpan<float> logits, Span<float> maxima)
    {
        if (Vector512.IsHardwareAccelerated)
            return Maxima<Lanes512, Vector512<float>>(logits, maxima);
        return Vector256.IsHardwareAccelerated
            ? Maxima<Lanes256, Vector256<float>>(logits, maxima)
            : Maxima<Lanes128, Vector128<float>>(logits, maxima);
    }

    /// <summary>Maximum m of every block and the sum of <c>exp((logit - m) * scale)</c> over it (0 where all of the block is masked).</summary>
    /// <returns>False when a logit is NaN or positive infinity.</returns>
    public static bool MaximaAndSums(ReadOnlySpan<float> logits, float scale, Span<float> maxima, Span<float> sums)
    {
        if (Vector512.IsHardwareAccelerated)
            return MaximaAndSums<Lanes512, Vector512<float>>(logits, scale, maxima, sums);
        return Vector256.IsHardwareAccelerated
            ? MaximaAndSums<Lanes256, Vector256<float>>(logits, scale, maxima, sums)
            : MaximaAndSums<Lanes128, Vector128<float>>(logits, scale, maxima, sums);
    }

    /// <summary>Tokens whose logit reaches a threshold, ascending by id; masked tokens (negative infinity) never do.</summary>
    /// <returns>How many entries of <paramref name="ids"/> and <paramref name="values"/> were filled.</returns>
    public static int Gather(ReadOnlySpan<float> logits, ReadOnlySpan<float> maxima, float threshold, Span<int> ids, Span<float> values)
    {
        if (Vector512.IsHardwareAccelerated)
            return Gather<Lanes512, Vector512<float>>(logits, maxima, threshold, ids, values);
        return Vector256.IsHardwareAccelerated
            ? Gather<Lanes256, Vector256<float>>(logits, maxima, threshold, ids, values)
            : Gather<Lanes128, Vector128<float>>(logits, maxima, threshold, ids, values);
    }

    internal static bool Maxima<TLanes, TVector>(ReadOnlySpan<float> logits, Span<float> maxima)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var finite = TLanes.AtMost(TLanes.Broadcast(0), TLanes.Broadcast(0));
        var tailFinite = true;
        for (int block = 0, start = 0; start < logits.Length; block++, start += BlockTokens)
        {
            var tokens = logits.Slice(start, Math.Min(BlockTokens, logits.Length - start));
            maxima[block] = tokens.Length == BlockTokens
                ? BlockMaximum<TLanes, TVector>(tokens, ref finite)
                : TailMaximum(tokens, ref tailFinite);
        }

        return tailFinite && AllSet<TLanes, TVector>(finite);
    }

    internal static bool MaximaAndSums<TLanes, TVector>(ReadOnlySpan<float> logits, float scale, Span<float> maxima, Span<float> sums)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var finite = TLanes.AtMost(TLanes.Broadcast(0), TLanes.Broadcast(0));
        var tailFinite = true;
        for (int block = 0, start = 0; start < logits.Length; block++, start += BlockTokens)
        {
            var tokens = logits.Slice(start, Math.Min(BlockTokens, logits.Length - start));
            var maximum = tokens.Length == BlockTokens
                ? BlockMaximum<TLanes, TVector>(tokens, ref finite)
                : TailMaximum(tokens, ref tailFinite);
            maxima[block] = maximum;
            if (float.IsNegativeInfinity(maximum))
                sums[block] = 0;
            else
                sums[block] = tokens.Length == BlockTokens
                    ? BlockSum<TLanes, TVector>(tokens, maximum, scale)
                    : TailSum(tokens, maximum, scale);
        }

        return tailFinite && AllSet<TLanes, TVector>(finite);
    }

    internal static int Gather<TLanes, TVector>(
        ReadOnlySpan<float> logits, ReadOnlySpan<float> maxima, float threshold, Span<int> ids, Span<float> values)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        threshold = MathF.Max(threshold, float.MinValue);
        var thresholds = TLanes.Broadcast(threshold);
        var count = 0;
        for (var block = 0; block < maxima.Length; block++)
        {
            if (maxima[block] < threshold)
                continue;
            var end = Math.Min((block + 1) * BlockTokens, logits.Length);
            var token = block * BlockTokens;
            for (; token + TLanes.Width <= end; token += TLanes.Width)
            {
                var reached = TLanes.Bits(TLanes.AtMost(thresholds, TLanes.Load(in MemoryMarshal.GetReference(logits), token)));
                for (; reached != 0; reached &= reached - 1)
                {
                    var id = token + BitOperations.TrailingZeroCount(reached);
                    ids[count] = id;
                    values[count++] = logits[id];
                }
            }

            for (; token < end; token++)
            {
                if (logits[token] < threshold)
                    continue;
                ids[count] = token;
                values[count++] = logits[token];
            }
        }

        return count;
    }

    // Four independent chains hide the latency of the maximum.
    private static float BlockMaximum<TLanes, TVector>(ReadOnlySpan<float> tokens, ref TVector finite)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ref var start = ref MemoryMarshal.GetReference(tokens);
        var width = TLanes.Width;
        var largest = TLanes.Broadcast(float.MaxValue);
        var (v0, v1, v2, v3) = (
            TLanes.Load(ref start, 0), TLanes.Load(ref start, width), TLanes.Load(ref start, 2 * width), TLanes.Load(ref start, 3 * width));
        var (m0, m1, m2, m3) = (v0, v1, v2, v3);
        var (f0, f1, f2, f3) = (TLanes.AtMost(v0, largest), TLanes.AtMost(v1, largest), TLanes.AtMost(v2, largest), TLanes.AtMost(v3, largest));
        for (var index = 4 * width; index < BlockTokens; index += 4 * width)
        {
            v0 = TLanes.Load(ref start, index);
            v1 = TLanes.Load(ref start, index + width);
            v2 = TLanes.Load(ref start, index + (2 * width));
            v3 = TLanes.Load(ref start, index + (3 * width));
            m0 = TLanes.Max(m0, v0);
            m1 = TLanes.Max(m1, v1);
            m2 = TLanes.Max(m2, v2);
            m3 = TLanes.Max(m3, v3);
            f0 = TLanes.And(f0, TLanes.AtMost(v0, largest));
            f1 = TLanes.And(f1, TLanes.AtMost(v1, largest));
            f2 = TLanes.And(f2, TLanes.AtMost(v2, largest));
            f3 = TLanes.And(f3, TLanes.AtMost(v3, largest));
        }

        finite = TLanes.And(finite, TLanes.And(TLanes.And(f0, f1), TLanes.And(f2, f3)));
        return TLanes.MaxOf(TLanes.Max(TLanes.Max(m0, m1), TLanes.Max(m2, m3)));
    }

    private static float BlockSum<TLanes, TVector>(ReadOnlySpan<float> tokens, float maximum, float scale)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ref var start = ref MemoryMarshal.GetReference(tokens);
        var width = TLanes.Width;
        // (x - m) * s rather than x * s - m * s: the latter loses the difference of large logits.
        var maxima = TLanes.Broadcast(maximum);
        var scales = TLanes.Broadcast(scale * VectorExp.Log2E);
        var (s0, s1) = (TLanes.Broadcast(0), TLanes.Broadcast(0));
        for (var index = 0; index < BlockTokens; index += 2 * width)
        {
            var x0 = TLanes.Multiply(TLanes.Subtract(TLanes.Load(ref start, index), maxima), scales);
            var x1 = TLanes.Multiply(TLanes.Subtract(TLanes.Load(ref start, index + width), maxima), scales);
            s0 = TLanes.Add(s0, VectorExp.PowerOfTwo<TLanes, TVector>(x0));
            s1 = TLanes.Add(s1, VectorExp.PowerOfTwo<TLanes, TVector>(x1));
        }

        return TLanes.SumOf(TLanes.Add(s0, s1));
    }

    private static float TailMaximum(ReadOnlySpan<float> tokens, ref bool finite)
    {
        var maximum = float.NegativeInfinity;
        foreach (var logit in tokens)
        {
            finite &= logit <= float.MaxValue;
            if (logit > maximum)
                maximum = logit;
        }

        return maximum;
    }

    private static float TailSum(ReadOnlySpan<float> tokens, float maximum, float scale)
    {
        var sum = 0f;
        foreach (var logit in tokens)
            sum += MathF.Exp((logit - maximum) * scale);
        return sum;
    }

    private static bool AllSet<TLanes, TVector>(TVector mask)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct =>
        BitOperations.PopCount(TLanes.Bits(mask)) == TLanes.Width;
}
