using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InferenceHost.Core.Numerics;

/// <summary>
/// Exponentials of non-positive numbers in float, as powers of two: the fraction in [-1/2, 1/2] by a polynomial of degree 5 with the least greatest relative error (found by Remez
/// exchange; the constant set to 1 so that the weight of the best is exactly 1), the integral part in the exponent. Relative error below 2e-7, plus the rounding of the argument.
/// </summary>
public static class VectorExp
{
    /// <summary>Below this power of two the result would leave the normal floats: it counts as this, a factor of 2e-38, or as nothing.</summary>
    public const float LeastPower = -125;

    /// <summary>Logarithm of e to base 2.</summary>
    public const float Log2E = 1.44269504088896341f;

    // At this size the spacing of floats is 1: adding it rounds to an integer and leaves that in the low bits.
    private const float RoundingShift = 12_582_912;

    /// <summary>2 to the power of every lane; powers below <see cref="LeastPower"/> count as that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector PowerOfTwo<TLanes, TVector>(TVector power)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct =>
        PowerOfTwo<TLanes, TVector>(power, TLanes.Broadcast(1), TLanes.Broadcast(LeastPower));

    /// <summary>2 to the power of <c>distance * scale</c>, a product that is never rounded; distances below <paramref name="least"/> count as that.</summary>
    /// <param name="distance">For results within the normal floats: at most 127 / scale.</param>
    /// <param name="scale">Powers of two per unit of distance.</param>
    /// <param name="least"><see cref="LeastPower"/> / scale.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector PowerOfTwo<TLanes, TVector>(TVector distance, TVector scale, TVector least)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        distance = TLanes.Max(distance, least);
        var shifted = TLanes.MultiplyAdd(distance, scale, TLanes.Broadcast(RoundingShift));
        var whole = TLanes.Subtract(shifted, TLanes.Broadcast(RoundingShift));
        var f = TLanes.MultiplySubtract(distance, scale, whole);
        var p = TLanes.MultiplyAdd(TLanes.Broadcast(1.3276468e-3f), f, TLanes.Broadcast(9.6755412e-3f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(5.5507133e-2f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(2.4022120e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(6.9314697e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1));
        return TLanes.Scale(p, whole, shifted);
    }

    /// <summary><c>weights[i] = exp((values[i] - shift) * scale)</c> for values of at most <paramref name="shift"/>; 0 below 2 to the <see cref="LeastPower"/>.</summary>
    public static void Weights(ReadOnlySpan<float> values, float shift, float scale, Span<float> weights)
    {
        if (Vector512.IsHardwareAccelerated)
            Weights<Lanes512, Vector512<float>>(values, shift, scale, weights);
        else if (Vector256.IsHardwareAccelerated)
            Weights<Lanes256, Vector256<float>>(values, shift, scale, weights);
        else
            Weights<Lanes128, Vector128<float>>(values, shift, scale, weights);
    }

    /// <summary>The same for one vector width.</summary>
    public static void Weights<TLanes, TVector>(ReadOnlySpan<float> values, float shift, float scale, Span<float> weights)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        weights = weights[..values.Length];
        ref var source = ref MemoryMarshal.GetReference(values);
        ref var target = ref MemoryMarshal.GetReference(weights);
        var (shifts, scales) = (TLanes.Broadcast(shift), TLanes.Broadcast(scale * Log2E));
        var least = TLanes.Broadcast(LeastPower / (scale * Log2E));
        var index = 0;
        for (; index + TLanes.Width <= values.Length; index += TLanes.Width)
        {
            var distance = TLanes.Subtract(TLanes.Load(ref source, index), shifts);
            TLanes.Store(TLanes.And(PowerOfTwo<TLanes, TVector>(distance, scales, least), TLanes.AtMost(least, distance)), ref target, index);
        }

        for (; index < values.Length; index++)
        {
            var x = (values[index] - shift) * scale;
            weights[index] = x * Log2E >= LeastPower ? MathF.Exp(x) : 0;
        }
    }
}
