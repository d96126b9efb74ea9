using System.Numerics;

namespace InferenceHost.Core.Numerics;

/// <summary>For every mask of up to eight lanes the numbers of those that are set, ascending: the permutation that <see cref="IFloatLanes{TVector}.Compress"/> needs where the processor has none of its own.</summary>
internal static class SetLanes
{
    private const int Lanes = 8;

    private static readonly int[] _numbers = Numbers();

    /// <summary>Numbers of the lanes that are set, then zeros: eight in all.</summary>
    public static ReadOnlySpan<int> Of(ulong mask) => _numbers.AsSpan((int)mask * Lanes, Lanes);

    private static int[] Numbers()
    {
        var numbers = new int[Lanes << Lanes];
        for (var mask = 0; mask < 1 << Lanes; mask++)
        {
            var place = mask * Lanes;
            for (var rest = mask; rest != 0; rest &= rest - 1)
                numbers[place++] = BitOperations.TrailingZeroCount(rest);
        }

        return numbers;
    }
}
