using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// One pass over a row of logits that leaves behind, for each block of <see cref="BlockTokens"/> tokens, its maximum and if wanted its sum of
/// exponentials. Later steps look only into blocks whose maximum reaches their threshold, so that the row is read from memory once.
/// </summary>
internal static partial class BlockScan
{
    /// <summary>Tokens per block: 512 bytes, so that the second look at a block finds it in the first-level cache.</summary>
    public const int BlockTokens = 128;

    /// <summary>Number of blocks of a row; the last may be shorter.</summary>
    public static int Blocks(int tokens) => (tokens + BlockTokens - 1) / BlockTokens;

    /// <summary>Maximum of every block, and the largest of all.</summary>
    /// <returns>False when a logit is NaN or positive infinity.</returns>
    public static bool Maxima(ReadOnlySpan<float> logits, Span<float> maxima, out float best)
    {
        if (Vector512.IsHardwareAccelerated)
            return Maxima<Lanes512, Vector512<float>>(logits, maxima, out best);
        return Vector256.IsHardwareAccelerated
            ? Maxima<Lanes256, Vector256<float>>(logits, maxima, out best)
            : Maxima<Lanes128, Vector128<float>>(logits, maxima, out best);
    }

    internal static bool Maxima<TLanes, TVector>(ReadOnlySpan<float> logits, Span<float> maxima, out float best)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        best = float.NegativeInfinity;
        var checks = TLanes.Broadcast(0);
        for (int block = 0, start = 0; start < logits.Length; block++, start += BlockTokens)
        {
            var maximum = logits.Length - start >= BlockTokens
                ? BlockMaximum<TLanes, TVector>(in logits[start], ref checks)
                : Largest(logits[start..]);
            maxima[block] = maximum;
            if (maximum > best)
                best = maximum;
        }

        return IsFinite<TLanes, TVector>(logits, checks);
    }

    // Four independent chains hide the latency of the maximum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float BlockMaximum<TLanes, TVector>(ref readonly float start, ref TVector checks)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var width = TLanes.Width;
        var (m0, m1, m2, m3) = (
            TLanes.Load(in start, 0), TLanes.Load(in start, width), TLanes.Load(in start, 2 * width), TLanes.Load(in start, 3 * width));
        var (c0, c1) = (TLanes.Add(m0, m1), TLanes.Add(m2, m3));
        for (var index = 4 * width; index < BlockTokens; index += 4 * width)
        {
            var v0 = TLanes.Load(in start, index);
            var v1 = TLanes.Load(in start, index + width);
            var v2 = TLanes.Load(in start, index + (2 * width));
            var v3 = TLanes.Load(in start, index + (3 * width));
            m0 = TLanes.Max(m0, v0);
            m1 = TLanes.Max(m1, v1);
            m2 = TLanes.Max(m2, v2);
            m3 = TLanes.Max(m3, v3);
            c0 = TLanes.Add(c0, TLanes.Add(v0, v1));
            c1 = TLanes.Add(c1, TLanes.Add(v2, v3));
        }

        checks = TLanes.Add(checks, TLanes.Add(c0, c1));
        return TLanes.MaxOf(TLanes.Max(TLanes.Max(m0, m1), TLanes.Max(m2, m3)));
    }

    private static float Largest(ReadOnlySpan<float> tokens)
    {
        var maximum = float.NegativeInfinity;
        foreach (var logit in tokens)
        {
            if (logit > maximum)
                maximum = logit;
        }

        return maximum;
    }

    // The sum of the whole blocks is NaN or positive infinity if a logit is, and costs one addition per vector. Large logits overflow it too: then every logit is looked at.
    private static bool IsFinite<TLanes, TVector>(ReadOnlySpan<float> logits, TVector checks)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var summable = BitOperations.PopCount(TLanes.Bits(TLanes.AtMost(checks, TLanes.Broadcast(float.MaxValue)))) == TLanes.Width;
        foreach (var logit in summable ? logits[^(logits.Length % BlockTokens)..] : logits)
        {
            if (!(logit <= float.MaxValue))
                return false;
        }

        return true;
    }
}
