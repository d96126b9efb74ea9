using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>One, two or four neighbouring vectors of a matrix row, in registers.</summary>
internal unsafe struct Strip<TLanes, TVector>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
{
    private TVector _first, _second, _third, _fourth;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Strip<TLanes, TVector> Load<TVectors>(float* from)
        where TVectors : ICount
    {
        Strip<TLanes, TVector> strip = default;
        strip._first = TLanes.Load(ref *from, 0);
        if (TVectors.Value > 1)
            strip._second = TLanes.Load(ref *from, TLanes.Width);
        if (TVectors.Value > 2)
            strip._third = TLanes.Load(ref *from, 2 * TLanes.Width);
        if (TVectors.Value > 3)
            strip._fourth = TLanes.Load(ref *from, 3 * TLanes.Width);
        return strip;
    }

    /// <summary>What is there times a row's factor; zero without factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Strip<TLanes, TVector> Begin<TVectors>(float* from, float* factors, int row)
        where TVectors : ICount
    {
        if (factors == null)
            return default;
        var factor = TLanes.Broadcast(factors[row]);
        var strip = Load<TVectors>(from);
        strip._first = TLanes.Multiply(strip._first, factor);
        if (TVectors.Value > 1)
            strip._second = TLanes.Multiply(strip._second, factor);
        if (TVectors.Value > 2)
            strip._third = TLanes.Multiply(strip._third, factor);
        if (TVectors.Value > 3)
            strip._fourth = TLanes.Multiply(strip._fourth, factor);
        return strip;
    }

    /// <summary>Adds another times a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<TVectors>(float number, in Strip<TLanes, TVector> other)
        where TVectors : ICount
    {
        var factor = TLanes.Broadcast(number);
        _first = TLanes.MultiplyAdd(factor, other._first, _first);
        if (TVectors.Value > 1)
            _second = TLanes.MultiplyAdd(factor, other._second, _second);
        if (TVectors.Value > 2)
            _third = TLanes.MultiplyAdd(factor, other._third, _third);
        if (TVectors.Value > 3)
            _fourth = TLanes.MultiplyAdd(factor, other._fourth, _fourth);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store<TVectors>(float* to)
        where TVectors : ICount
    {
        TLanes.Store(_first, ref *to, 0);
        if (TVectors.Value > 1)
            TLanes.Store(_second, ref *to, TLanes.Width);
        if (TVectors.Value > 2)
            TLanes.Store(_third, ref *to, 2 * TLanes.Width);
        if (TVectors.Value > 3)
            TLanes.Store(_fourth, ref *to, 3 * TLanes.Width);
    }
}
