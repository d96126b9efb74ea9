using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// Rounds rows of floats to signed bytes, one scale per block of 32, as ggml's q8_0 does, into tiles (<see cref="ProductLayout"/>). Scales too great for half
/// precision lose as many bits and stay finite, where ggml's become infinite.
/// </summary>
internal static unsafe class ActivationTiles
{
    private const float Greatest = 127;

    // Half precision: 13 bits less, and multiples of 2^-24 below 2^-14.
    private const float LeastNormalHalf = 6.103515625e-05f, HalfStepsAbove = 0.5f;
    private const uint DroppedBits = (1 << 13) - 1;

    /// <summary>Where a tile begins, in bytes.</summary>
    public static nint Start(int firstRow, int blocks) => (nint)firstRow * blocks * ProductLayout.ActivationBlockBytes;

    /// <summary>Writes one row of a tile of <paramref name="rows"/> rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(float* row, int blocks, byte* tile, int number, int rows)
    {
        var target = tile + (number * ProductLayout.ActivationBlockBytes);
        for (var block = 0; block < blocks; block++)
        {
            Vector512<float> a = Vector512.Load(row), b = Vector512.Load(row + 16);
            var widest = Vector512.MaxNative(Vector512.Abs(a), Vector512.Abs(b));
            var eight = Vector256.MaxNative(widest.GetLower(), widest.GetUpper());
            var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
            four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
            var most = MathF.Max(four[0], four[1]);
            var factor = Vector512.Create(most == 0 ? 0 : Greatest / most);
            Vector512<int> left = Avx512F.ConvertToVector512Int32(a * factor), right = Avx512F.ConvertToVector512Int32(b * factor);
            Avx512F.ConvertToVector128SByteWithSaturation(left).Store((sbyte*)target);
            Avx512F.ConvertToVector128SByteWithSaturation(right).Store((sbyte*)target + 16);
            *(float*)(target + ProductLayout.ActivationScaleAt) = RoundToHalf(most / Greatest);
            *(int*)(target + ProductLayout.ActivationSumAt) = -ProductLayout.WeightBias * Sum(left + right);
            row += ProductLayout.BlockInputs;
            target += rows * ProductLayout.ActivationBlockBytes;
        }
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
