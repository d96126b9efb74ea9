using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>Moves what is kept of a column to its front, vector by vector: a branch per element would be guessed wrongly too often.</summary>
internal static class Compaction
{
    /// <summary>Copies the elements whose key is at least <paramref name="least"/> and less than <paramref name="below"/>, in their order.</summary>
    /// <param name="keys">One per element.</param>
    /// <param name="least">The least key that is kept.</param>
    /// <param name="below">The least key beyond those that are kept; positive infinity keeps every finite one.</param>
    /// <param name="source">The column.</param>
    /// <param name="target">Receives the elements, as long as the column; may be the column itself, and the keys'.</param>
    /// <returns>How many were kept; what follows them in <paramref name="target"/> is unspecified.</returns>
    public static int Keep(ReadOnlySpan<float> keys, float least, float below, ReadOnlySpan<float> source, Span<float> target)
    {
        if (Vector512.IsHardwareAccelerated)
            return Keep<Lanes512, Vector512<float>>(keys, least, below, source, target);
        return Vector256.IsHardwareAccelerated
            ? Keep<Lanes256, Vector256<float>>(keys, least, below, source, target)
            : Keep<Lanes128, Vector128<float>>(keys, least, below, source, target);
    }

    internal static int Keep<TLanes, TVector>(ReadOnlySpan<float> keys, float least, float below, ReadOnlySpan<float> source, Span<float> target)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        source = source[..keys.Length];
        target = target[..keys.Length];
        ref var key = ref MemoryMarshal.GetReference(keys);
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref MemoryMarshal.GetReference(target);
        var (leasts, belows) = (TLanes.Broadcast(least), TLanes.Broadcast(below));
        int kept = 0, index = 0;
        for (; index + TLanes.Width <= keys.Length; index += TLanes.Width)
        {
            // What is stored lies within what has been loaded.
            var vector = TLanes.Load(ref key, index);
            var mask = TLanes.And(TLanes.AtMost(leasts, vector), TLanes.Below(vector, belows));
            TLanes.Store(TLanes.Compress(TLanes.Load(ref from, index), mask), ref to, kept);
            kept += BitOperations.PopCount(TLanes.Bits(mask));
        }

        for (; index < keys.Length; index++)
        {
            if (keys[index] >= least && keys[index] < below)
                target[kept++] = source[index];
        }

        return kept;
    }
}
