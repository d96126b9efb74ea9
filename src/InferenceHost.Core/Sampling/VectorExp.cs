using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// exp(x) for x &lt;= 0 in float: argument reduced by multiples of ln 2 in two parts (Cody and Waite 1980), then the degree-6 polynomial of Cephes' expf.
/// Relative error below 2e-7. Arguments below <see cref="Floor"/> count as <see cref="Floor"/>, a factor of 3e-38, or as nothing.
/// </summary>
internal static class VectorExp
{
    /// <summary>The smallest argument whose exponential is surely a normal float.</summary>
    public const float Floor = -86.5f;

    private const float Log2E = 1.44269504088896341f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>The exponential of every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TLanes, TVector>(TVector x)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        x = TLanes.Max(x, TLanes.Broadcast(Floor));
        var power = TLanes.Round(TLanes.Multiply(x, TLanes.Broadcast(Log2E)));
        var r = TLanes.MultiplyAdd(power, TLanes.Broadcast(-Ln2High), x);
        r = TLanes.MultiplyAdd(power, TLanes.Broadcast(-Ln2Low), r);
        var p = TLanes.Broadcast(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(5.0000001201e-1f));
        p = TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), TLanes.Add(r, TLanes.Broadcast(1)));
        return TLanes.Scale(p, power);
    }

    /// <summary><c>weights[i] = exp((values[i] - shift) * scale)</c> for values of at most <paramref name="shift"/>; 0 below <see cref="Floor"/>. The sum of the weights is returned.</summary>
    public static double Weights(ReadOnlySpan<float> values, float shift, float scale, Span<float> weights)
    {
        if (Vector512.IsHardwareAccelerated)
            Weights<Lanes512, Vector512<float>>(values, shift, scale, weights);
        else if (Vector256.IsHardwareAccelerated)
            Weights<Lanes256, Vector256<float>>(values, shift, scale, weights);
        else
            Weights<Lanes128, Vector128<float>>(values, shift, scale, weights);
        double sum = 0;
        foreach (var weight in weights[..values.Length])
            sum += weight;
        return sum;
    }

    /// <summary>The same for one vector width.</summary>
    public static void Weights<TLanes, TVector>(ReadOnlySpan<float> values, float shift, float scale, Span<float> weights)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        weights = weights[..values.Length];
        ref var source = ref MemoryMarshal.GetReference(values);
        ref var target = ref MemoryMarshal.GetReference(weights);
        var (shifts, scales) = (TLanes.Broadcast(shift), TLanes.Broadcast(scale));
        var index = 0;
        for (; index + TLanes.Width <= values.Length; index += TLanes.Width)
        {
            var x = TLanes.Multiply(TLanes.Subtract(TLanes.Load(ref source, index), shifts), scales);
            TLanes.Store(TLanes.And(Exp<TLanes, TVector>(x), TLanes.AtMost(TLanes.Broadcast(Floor), x)), ref target, index);
        }

        for (; index < values.Length; index++)
        {
            var x = (values[index] - shift) * scale;
            weights[index] = x >= Floor ? MathF.Exp(x) : 0;
        }
    }
}
