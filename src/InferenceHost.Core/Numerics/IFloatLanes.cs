namespace InferenceHost.Core.Numerics;

/// <summary>The vector operations that the sampling kernels need, so that each kernel is written once and compiled for every vector width.</summary>
/// <typeparam name="TVector">A vector of <see cref="Width"/> floats.</typeparam>
public interface IFloatLanes<TVector>
    where TVector : struct
{
    /// <summary>Floats per vector.</summary>
    static abstract int Width { get; }

    /// <summary>Lanes from <paramref name="offset"/> floats behind <paramref name="start"/>.</summary>
    static abstract TVector Load(ref readonly float start, int offset);

    /// <summary>Writes the lanes <paramref name="offset"/> floats behind <paramref name="start"/>.</summary>
    static abstract void Store(TVector vector, ref float start, int offset);

    /// <summary>The same value in all lanes.</summary>
    static abstract TVector Broadcast(float value);

    /// <summary>Sum, lane by lane.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>Difference, lane by lane.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>Product, lane by lane.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary><c>a * b + c</c>, fused where the processor can.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary><c>a * b - c</c>, fused where the processor can.</summary>
    static abstract TVector MultiplySubtract(TVector a, TVector b, TVector c);

    /// <summary>The processor's own maximum: what it gives for NaN is unspecified.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>
    /// <paramref name="vector"/> times 2 to the power n, for results in the range of normal floats. The power comes in two forms, of which a processor takes one:
    /// <paramref name="power"/> is n, <paramref name="shiftedPower"/> is 1.5 * 2^23 + n, whose low bits are n.
    /// </summary>
    static abstract TVector Scale(TVector vector, TVector power, TVector shiftedPower);

    /// <summary>All bits of a lane set where <c>a &lt;= b</c>; never set where one is NaN.</summary>
    static abstract TVector AtMost(TVector a, TVector b);

    /// <summary>All bits of a lane set where <c>a &lt; b</c>; never set where one is NaN.</summary>
    static abstract TVector Below(TVector a, TVector b);

    /// <summary>Bitwise and.</summary>
    static abstract TVector And(TVector a, TVector b);

    /// <summary>The lanes whose mask is set, moved to the front in their order; what lies behind them is unspecified.</summary>
    static abstract TVector Compress(TVector vector, TVector mask);

    /// <summary>One bit per lane, the lowest for the first: the lane's top bit.</summary>
    static abstract ulong Bits(TVector mask);

    /// <summary>The greatest lane.</summary>
    static abstract float MaxOf(TVector vector);

    /// <summary>Sum of the lanes.</summary>
    static abstract float SumOf(TVector vector);
}
