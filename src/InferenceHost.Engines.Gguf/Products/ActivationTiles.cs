using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// Rounds rows of floats to signed bytes, one scale per block, as ggml's q8_0 does, into tiles (<see cref="ProductLayout"/>). Scales too great for half
/// precision lose as many bits and stay finite, where ggml's become infinite.
/// </summary>
internal static unsafe class ActivationTiles
{
    private const float Greatest = 127;

    // Half precision: 13 bits less, and multiples of 2^-24 below 2^-14.
    private const float LeastNormalHalf = 6.103515625e-05f, HalfStepsAbove = 0.5f;
    private const uint DroppedBits = (1 << 13) - 1;

    /// <summary>Where a tile begins, in bytes.</summary>
    public static nint Start(int firstRow, ProductLayout layout, int blocks) => (nint)firstRow * blocks * layout.ActivationBlockBytes;

    /// <summary>Writes one row of a tile of <paramref name="rows"/> rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* row, ProductLayout layout, int blocks, byte* tile, int number, int rows)
    {
        var target = tile + (number * layout.ActivationBlockBytes);
        var step = rows * layout.ActivationBlockBytes;
        for (var block = 0; block < blocks; block++, row += layout.BlockInputs, target += step)
        {
            if (layout.BlockInputs == 16)
            {
                var a = Vector512.Load(row);
                var most = Most(Vector512.Abs(a));
                Finish(layout, target, most, Round(a, most, target));
            }
            else
            {
                Vector512<float> a = Vector512.Load(row), b = Vector512.Load(row + 16);
                var most = Most(Vector512.MaxNative(Vector512.Abs(a), Vector512.Abs(b)));
                Finish(layout, target, most, Round(a, most, target) + Round(b, most, target + 16));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Most(Vector512<float> sizes)
    {
        var eight = Vector256.MaxNative(sizes.GetLower(), sizes.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(four[0], four[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Round(Vector512<float> values, float most, byte* target)
    {
        var rounded = Avx512F.ConvertToVector512Int32(values * Vector512.Create(most == 0 ? 0 : Greatest / most));
        Avx512F.ConvertToVector128SByteWithSaturation(rounded).Store((sbyte*)target);
        return rounded;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(ProductLayout layout, byte* target, float most, Vector512<int> rounded)
    {
        var (scale, sum) = (RoundToHalf(most / Greatest), Sum(rounded));
        *(float*)(target + layout.ScaleAt) = scale;
        *(int*)(target + layout.SumAt) = -ProductLayout.Bias * sum;
        *(float*)(target + layout.ScaledSumAt) = scale * sum;
    }

    // To nearest, ties to even: what the number is after its way through half precision.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float RoundToHalf(float positive)
    {
        if (positive < LeastNormalHalf)
            return positive + HalfStepsAbove - HalfStepsAbove;
        var bits = BitConverter.SingleToUInt32Bits(positive);
        return BitConverter.UInt32BitsToSingle((bits + (DroppedBits >> 1) + ((bits >> 13) & 1)) & ~DroppedBits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector512<int> vector)
    {
        var eight = vector.GetLower() + vector.GetUpper();
        return Vector128.Sum(eight.GetLower() + eight.GetUpper());
    }
}
