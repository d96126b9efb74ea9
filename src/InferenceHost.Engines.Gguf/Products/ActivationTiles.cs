using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// Rounds rows of floats to -127..127, one scale per block, as ggml's q8_0 does, into tiles (<see cref="ProductLayout"/>). Scales too great for half
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
    public static void Write(float* row, ProductLayout layout, int blocks, byte* tile, int number, int rows)
    {
        var target = tile + (number * layout.ActivationBlockBytes);
        if (layout.Instructions == ProductInstructions.Bytes512)
            WriteBytes(row, layout, blocks, target, rows * layout.ActivationBlockBytes);
        else
            WriteWords(row, layout, blocks, target, rows * layout.ActivationBlockBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteBytes(float* row, ProductLayout layout, int blocks, byte* target, int step)
    {
        for (var block = 0; block < blocks; block++, row += layout.BlockInputs, target += step)
        {
            if (layout.BlockInputs == 16)
            {
                var a = Vector512.Load(row);
                var most = Most(Vector512.Abs(a));
                Finish(layout, target, most, Sum(Round(a, most, target)));
            }
            else
            {
                Vector512<float> a = Vector512.Load(row), b = Vector512.Load(row + 16);
                var most = Most(Vector512.MaxNative(Vector512.Abs(a), Vector512.Abs(b)));
                Finish(layout, target, most, Sum(Round(a, most, target) + Round(b, most, target + 16)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteWords(float* row, ProductLayout layout, int blocks, byte* target, int step)
    {
        for (var block = 0; block < blocks; block++, row += layout.BlockInputs, target += step)
        {
            Vector256<float> a = Vector256.Load(row), b = Vector256.Load(row + 8);
            var sizes = Vector256.MaxNative(Vector256.Abs(a), Vector256.Abs(b));
            if (layout.BlockInputs == 16)
            {
                var most = Most(sizes);
                Finish(layout, target, most, Sum(Round(a, b, most, (short*)target)));
            }
            else
            {
                Vector256<float> c = Vector256.Load(row + 16), d = Vector256.Load(row + 24);
                var most = Most(Vector256.MaxNative(sizes, Vector256.MaxNative(Vector256.Abs(c), Vector256.Abs(d))));
                Finish(layout, target, most, Sum(Round(a, b, most, (short*)target) + Round(c, d, most, (short*)target + 16)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Most(Vector512<float> sizes) => Most(Vector256.MaxNative(sizes.GetLower(), sizes.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Most(Vector256<float> sizes)
    {
        var four = Vector128.MaxNative(sizes.GetLower(), sizes.GetUpper());
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(four[0], four[1]);
    }

    private static float Factor(float most) => most == 0 ? 0 : Greatest / most;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Round(Vector512<float> values, float most, byte* target)
    {
        var rounded = Avx512F.ConvertToVector512Int32(values * Vector512.Create(Factor(most)));
        Avx512F.ConvertToVector128SByteWithSaturation(rounded).Store((sbyte*)target);
        return rounded;
    }

    // Writes sixteen words and returns sums of two rounded inputs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(Vector256<float> first, Vector256<float> second, float most, short* target)
    {
        var factor = Vector256.Create(Factor(most));
        // What is no number becomes what it becomes in a byte.
        var least = Vector256.Create((int)sbyte.MinValue);
        Vector256<int> a = Vector256.Max(Avx.ConvertToVector256Int32(first * factor), least), b = Vector256.Max(Avx.ConvertToVector256Int32(second * factor), least);
        // Packing works within each half.
        Avx2.Permute4x64(Avx2.PackSignedSaturate(a, b).AsInt64(), 0b11_01_10_00).AsInt16().Store(target);
        return a + b;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(ProductLayout layout, byte* target, float most, int sum)
    {
        var scale = RoundToHalf(most / Greatest);
        *(float*)(target + layout.ScaleAt) = scale;
        *(int*)(target + layout.SumAt) = -layout.Bias * sum;
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
    private static int Sum(Vector512<int> vector) => Sum(vector.GetLower() + vector.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum(Vector256<int> vector) => Vector128.Sum(vector.GetLower() + vector.GetUpper());
}
