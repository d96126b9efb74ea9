using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>A range of floats that is halved until one is left: at most 64 halvings, as every second one halves the number of floats in it.</summary>
internal struct KeyRange
{
    private long _least, _beyond;

    /// <summary>The least float of the range.</summary>
    public readonly float Least => Float((int)_least);

    /// <summary>The least float above the range.</summary>
    public readonly float Beyond => Float((int)_beyond);

    /// <summary>Whether one float is left.</summary>
    public readonly bool IsSingle => _beyond - _least <= 1;

    /// <summary>From the smallest to the largest of some keys, which are not empty and below positive infinity.</summary>
    public static KeyRange Of(ReadOnlySpan<float> keys)
    {
        var (least, most) = Range(keys);
        // Of the two zeros the positive one: the range must hold both.
        return new KeyRange { _least = Ordered(least), _beyond = Ordered(most == 0 ? 0 : most) + 1L };
    }

    /// <summary>A float in the range that is not the least. In turn the middle by value, which parts keys of a decode step well, and the middle by number of floats, which always ends.</summary>
    public readonly float Middle(int halving)
    {
        var byCount = (_least + _beyond) >> 1;
        if (halving % 2 == 0)
            return Float((int)byCount);
        var byValue = (float)(((double)Least + Float((int)(_beyond - 1))) / 2);
        return Ordered(byValue) > _least && Ordered(byValue) < _beyond ? byValue : Float((int)byCount);
    }

    /// <summary>Leaves what is at least <paramref name="middle"/>.</summary>
    public void Raise(float middle) => _least = Ordered(middle);

    /// <summary>Leaves what is below <paramref name="middle"/>.</summary>
    public void Lower(float middle) => _beyond = Ordered(middle);

    private static (float Least, float Most) Range(ReadOnlySpan<float> keys)
    {
        if (Vector512.IsHardwareAccelerated)
            return Range<Lanes512, Vector512<float>>(keys);
        return Vector256.IsHardwareAccelerated ? Range<Lanes256, Vector256<float>>(keys) : Range<Lanes128, Vector128<float>>(keys);
    }

    private static (float Least, float Most) Range<TLanes, TVector>(ReadOnlySpan<float> keys)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ref var start = ref MemoryMarshal.GetReference(keys);
        var (zeros, negatedLeast, mosts) = (TLanes.Broadcast(0), TLanes.Broadcast(-keys[0]), TLanes.Broadcast(keys[0]));
        var index = 0;
        for (; index + TLanes.Width <= keys.Length; index += TLanes.Width)
        {
            var vector = TLanes.Load(ref start, index);
            mosts = TLanes.Max(mosts, vector);
            negatedLeast = TLanes.Max(negatedLeast, TLanes.Subtract(zeros, vector));
        }

        var (least, most) = (-TLanes.MaxOf(negatedLeast), TLanes.MaxOf(mosts));
        for (; index < keys.Length; index++)
        {
            least = MathF.Min(least, keys[index]);
            most = MathF.Max(most, keys[index]);
        }

        return (least, most);
    }

    // Floats in the order of integers, and back: the map is its own inverse.
    private static int Ordered(float value) => Flip(BitConverter.SingleToInt32Bits(value));

    private static float Float(int ordered) => BitConverter.Int32BitsToSingle(Flip(ordered));

    private static int Flip(int bits) => bits ^ ((bits >> 31) & int.MaxValue);
}
