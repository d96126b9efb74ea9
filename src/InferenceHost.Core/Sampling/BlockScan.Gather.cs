using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Core.Sampling;

/// <content>The second look: tokens above a threshold. Comparisons become words of 64 bits, whose set bits are written out a few at a time, as in simdjson (Langdale and Lemire 2019, arXiv:1902.08318).</content>
internal static partial class BlockScan
{
    /// <summary>Entries that a buffer of ids must have beyond the tokens: ids are written in groups, and what a group has too many is overwritten by the next.</summary>
    public const int Slack = Group;

    private const int WordTokens = 64, Group = 4;

    /// <summary>Tokens whose logit reaches a threshold, ascending by id; masked tokens (negative infinity) never do.</summary>
    /// <param name="logits">The row.</param>
    /// <param name="maxima">Maximum of every block; a block of negative infinity is passed over.</param>
    /// <param name="threshold">The least logit that is taken.</param>
    /// <param name="ids">Receives the ids; <see cref="Slack"/> longer than the row.</param>
    /// <param name="values">Receives their logits.</param>
    /// <returns>How many entries of <paramref name="ids"/> and <paramref name="values"/> were filled.</returns>
    public static int Gather(ReadOnlySpan<float> logits, ReadOnlySpan<float> maxima, float threshold, Span<int> ids, Span<float> values)
    {
        if (Vector512.IsHardwareAccelerated)
            return Gather<Lanes512, Vector512<float>>(logits, maxima, threshold, ids, values);
        return Vector256.IsHardwareAccelerated
            ? Gather<Lanes256, Vector256<float>>(logits, maxima, threshold, ids, values)
            : Gather<Lanes128, Vector128<float>>(logits, maxima, threshold, ids, values);
    }

    internal static int Gather<TLanes, TVector>(
        ReadOnlySpan<float> logits, ReadOnlySpan<float> maxima, float threshold, Span<int> ids, Span<float> values)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ids.Length, logits.Length + Slack);
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, logits.Length);
        threshold = MathF.Max(threshold, float.MinValue);
        var count = 0;
        for (var block = 0; block < maxima.Length; block++)
        {
            if (maxima[block] < threshold)
                continue;
            var start = block * BlockTokens;
            count = logits.Length - start >= BlockTokens
                ? GatherBlock<TLanes, TVector>(in logits[start], threshold, start, ref MemoryMarshal.GetReference(ids), count)
                : GatherTail(logits[start..], threshold, start, ids, count);
        }

        ref var row = ref MemoryMarshal.GetReference(logits);
        for (var index = 0; index < count; index++)
            values[index] = Unsafe.Add(ref row, ids[index]);
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int GatherBlock<TLanes, TVector>(ref readonly float tokens, float threshold, int firstId, ref int ids, int count)
        where TLanes : IFloatLanes<TVector>
        where TVector : struct
    {
        var thresholds = TLanes.Broadcast(threshold);
        for (var token = 0; token < BlockTokens; token += WordTokens)
        {
            ulong reached = 0;
            for (var lane = 0; lane < WordTokens; lane += TLanes.Width)
                reached |= TLanes.Bits(TLanes.AtMost(thresholds, TLanes.Load(in tokens, token + lane))) << lane;
            var end = count + BitOperations.PopCount(reached);
            // A processor guesses badly whether there are any and how many; more than a group are rare.
            WriteGroup(ref Unsafe.Add(ref ids, count), firstId + token, ref reached);
            while (reached != 0)
                WriteGroup(ref Unsafe.Add(ref ids, count += Group), firstId + token, ref reached);
            count = end;
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteGroup(ref int ids, int firstId, ref ulong reached)
    {
        ids = firstId + TakeLowest(ref reached);
        Unsafe.Add(ref ids, 1) = firstId + TakeLowest(ref reached);
        Unsafe.Add(ref ids, 2) = firstId + TakeLowest(ref reached);
        Unsafe.Add(ref ids, 3) = firstId + TakeLowest(ref reached);
    }

    // 64 where there is none.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int TakeLowest(ref ulong bits)
    {
        var lowest = BitOperations.TrailingZeroCount(bits);
        bits &= bits - 1;
        return lowest;
    }

    private static int GatherTail(ReadOnlySpan<float> tokens, float threshold, int firstId, Span<int> ids, int count)
    {
        for (var token = 0; token < tokens.Length; token++)
        {
            if (tokens[token] >= threshold)
                ids[count++] = firstId + token;
        }

        return count;
    }
}
