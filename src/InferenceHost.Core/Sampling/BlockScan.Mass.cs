using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <content>
/// Maxima and sums of exponentials in the same look at a block. The exponentials are taken relative to a running reference, as in the online softmax of
/// Milakov and Gimelshein (2018, arXiv:1805.02867), so that they need not wait for the maximum of the row.
/// </content>
internal static partial class BlockScan
{
    // A block may exceed the reference by this power of two before the reference moves: little rescaling, and the argument of the best token stays small and thus exact.
    private const float ReferenceSlackPower = 8;

    /// <summary>Maximum of every block, and the sum of <c>exp((logit - best) * scale)</c> over it (0 where all of the block is masked), where best is the largest logit.</summary>
    /// <param name="logits">The row.</param>
    /// <param name="scale">Inverse of the temperature.</param>
    /// <param name="maxima">Receives the maximum of every block.</param>
    /// <param name="sums">Receives the sum of every block.</param>
    /// <param name="best">The largest logit.</param>
    /// <param name="mass">Sum of <paramref name="sums"/>.</param>
    /// <returns>False when a logit is NaN or positive infinity.</returns>
    public static bool MaximaAndSums(ReadOnlySpan<float> logits, float scale, Span<float> maxima, Span<float> sums, out float best, out double mass)
    {
        if (Vector512.IsHardwareAccelerated)
            return MaximaAndSums<Lanes512, Vector512<float>>(logits, scale, maxima, sums, out best, out mass);
        return Vector256.IsHardwareAccelerated
            ? MaximaAndSums<Lanes256, Vector256<float>>(logits, scale, maxima, sums, out best, out mass)
            : MaximaAndSums<Lanes128, Vector128<float>>(logits, scale, maxima, sums, out best, out mass);
    }

    internal static bool MaximaAndSums<TLanes, TVector>(
        ReadOnlySpan<float> logits, float scale, Span<float> maxima, Span<float> sums, out float best, out double mass)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        (best, mass) = (float.NegativeInfinity, 0);
        var checks = TLanes.Broadcast(0);
        float reference = 0, ceiling = float.NegativeInfinity, least = VectorExp.LeastPower / (scale * VectorExp.Log2E);
        for (int block = 0, start = 0; start < logits.Length; block++, start += BlockTokens)
        {
            var tokens = logits.Slice(start, Math.Min(BlockTokens, logits.Length - start));
            var whole = tokens.Length == BlockTokens;
            var maximum = whole ? BlockMaximum<TLanes, TVector>(in tokens[0], ref checks) : Largest(tokens);
            if (maximum > ceiling)
            {
                if (mass > 0)
                    mass *= Rescale<TLanes, TVector>(sums[..block], reference, maximum, scale);
                (reference, ceiling) = (maximum, maximum + (ReferenceSlackPower / (scale * VectorExp.Log2E)));
            }

            var sum = float.IsNegativeInfinity(maximum) ? 0
                : whole ? BlockSum<TLanes, TVector>(in tokens[0], reference, scale, least) : TailSum(tokens, reference, scale);
            if (maximum > best)
                best = maximum;
            maxima[block] = maximum;
            sums[block] = sum;
            mass += sum;
        }

        if (reference != best && mass > 0)
            mass *= Rescale<TLanes, TVector>(sums[..Blocks(logits.Length)], reference, best, scale);
        return IsFinite<TLanes, TVector>(logits, checks);
    }

    // Apart from the maximum: in one loop the two stand in each other's way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float BlockSum<TLanes, TVector>(ref readonly float start, float reference, float scale, float least)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        // (x - r) * s rather than x * s - r * s: the latter loses the difference of large logits.
        var (references, scales) = (TLanes.Broadcast(reference), TLanes.Broadcast(scale * VectorExp.Log2E));
        var leasts = TLanes.Broadcast(least);
        var width = TLanes.Width;
        var (s0, s1) = (TLanes.Broadcast(0), TLanes.Broadcast(0));
        // Two chains and not four: sixteen registers hold no more beside the polynomial.
        for (var index = 0; index < BlockTokens; index += 2 * width)
        {
            var d0 = TLanes.Subtract(TLanes.Load(in start, index), references);
            s0 = TLanes.Add(s0, VectorExp.PowerOfTwo<TLanes, TVector>(d0, scales, leasts));
            var d1 = TLanes.Subtract(TLanes.Load(in start, index + width), references);
            s1 = TLanes.Add(s1, VectorExp.PowerOfTwo<TLanes, TVector>(d1, scales, leasts));
        }

        return TLanes.SumOf(TLanes.Add(s0, s1));
    }

    private static float TailSum(ReadOnlySpan<float> tokens, float reference, float scale)
    {
        var sum = 0f;
        foreach (var logit in tokens)
            sum += MathF.Exp((logit - reference) * scale);
        return sum;
    }

    // Brings sums from one reference to another; the factor is returned.
    private static double Rescale<TLanes, TVector>(Span<float> sums, float from, float to, float scale)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var factor = Math.Exp((from - (double)to) * scale);
        ref var start = ref MemoryMarshal.GetReference(sums);
        var factors = TLanes.Broadcast((float)factor);
        var index = 0;
        for (; index + TLanes.Width <= sums.Length; index += TLanes.Width)
            TLanes.Store(TLanes.Multiply(TLanes.Load(ref start, index), factors), ref start, index);
        for (; index < sums.Length; index++)
            sums[index] *= (float)factor;
        return factor;
    }
}
