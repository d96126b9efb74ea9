using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <content>
/// Maxima and sums of exponentials in the same look at a vector. The exponentials are taken relative to a running reference, as in the online softmax of
/// Milakov and Gimelshein (2018, arXiv:1805.02867), so that they need not wait for the maximum of the row or of the block.
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
        float reference = 0, ceiling = float.NegativeInfinity;
        for (int block = 0, start = 0; start < logits.Length; block++, start += BlockTokens)
        {
            var tokens = logits.Slice(start, Math.Min(BlockTokens, logits.Length - start));
            var sum = BlockSum<TLanes, TVector>(tokens, reference, scale, out var maximum, ref checks);
            if (maximum > ceiling)
            {
                if (mass > 0)
                    mass *= Rescale<TLanes, TVector>(sums[..block], reference, maximum, scale);
                (reference, ceiling) = (maximum, maximum + (ReferenceSlackPower / (scale * VectorExp.Log2E)));
                sum = BlockSum<TLanes, TVector>(tokens, reference, scale, out maximum, ref checks);
            }

            if (float.IsNegativeInfinity(maximum))
                sum = 0;
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

    private static float BlockSum<TLanes, TVector>(
        ReadOnlySpan<float> tokens, float reference, float scale, out float maximum, ref TVector checks)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        if (tokens.Length < BlockTokens)
        {
            maximum = Largest(tokens);
            return TailSum(tokens, reference, scale);
        }

        ref var start = ref MemoryMarshal.GetReference(tokens);
        var width = TLanes.Width;
        // (x - r) * s rather than x * s - r * s: the latter loses the difference of large logits.
        var (references, scales) = (TLanes.Broadcast(reference), TLanes.Broadcast(scale * VectorExp.Log2E));
        var (v0, v1) = (TLanes.Load(ref start, 0), TLanes.Load(ref start, width));
        var (m0, m1) = (v0, v1);
        var s0 = VectorExp.PowerOfTwo<TLanes, TVector>(TLanes.Multiply(TLanes.Subtract(v0, references), scales));
        var s1 = VectorExp.PowerOfTwo<TLanes, TVector>(TLanes.Multiply(TLanes.Subtract(v1, references), scales));
        var (c0, c1) = (TLanes.Add(checks, v0), v1);
        for (var index = 2 * width; index < BlockTokens; index += 2 * width)
        {
            v0 = TLanes.Load(ref start, index);
            v1 = TLanes.Load(ref start, index + width);
            m0 = TLanes.Max(m0, v0);
            m1 = TLanes.Max(m1, v1);
            c0 = TLanes.Add(c0, v0);
            c1 = TLanes.Add(c1, v1);
            s0 = TLanes.Add(s0, VectorExp.PowerOfTwo<TLanes, TVector>(TLanes.Multiply(TLanes.Subtract(v0, references), scales)));
            s1 = TLanes.Add(s1, VectorExp.PowerOfTwo<TLanes, TVector>(TLanes.Multiply(TLanes.Subtract(v1, references), scales)));
        }

        checks = TLanes.Add(c0, c1);
        maximum = TLanes.MaxOf(TLanes.Max(m0, m1));
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
