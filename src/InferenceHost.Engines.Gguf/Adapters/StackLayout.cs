using System.Buffers;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// The layout of slices of stacks, in ggml's formats: A as [rank][inputs], B as [outputs][rank] with alpha / rank in it, the adapter's own rank padded with zeros to a multiple of
/// <see cref="RankStep"/>. 8 bits are Q8_0 (one scale per 32 numbers), where the inputs cannot be divided so, halves.
/// </summary>
internal sealed unsafe class StackLayout : IAdapterLayout
{
    /// <summary>Ranks of adapters are padded to a multiple of this: a block of Q8_0.</summary>
    public const int RankStep = 32;

    // ggml's CUDA kernels for halves want 64 numbers a row; otherwise they stop to copy the ids to the host.
    private const int StackStep = 64;

    private const int BlockBytes = 34;
    private readonly AdapterStorage _storage;

    /// <param name="storage">How numbers are kept.</param>
    /// <param name="rank">Highest rank that must fit.</param>
    public StackLayout(AdapterStorage storage, int rank)
    {
        _storage = storage;
        MaxRank = rank;
        Rank = Pad(rank, StackStep);
    }

    /// <inheritdoc/>
    public int MaxRank { get; }

    /// <summary>Rank of the stacks.</summary>
    public int Rank { get; }

    /// <summary>How much of the stacks' rank nodes have to read for adapters of a rank.</summary>
    public int Width(int rank) => Pad(Math.Max(rank, 1), Type(Rank) == ggml_type.Q8_0 ? RankStep : StackStep);

    /// <summary>Type of rows of so many numbers.</summary>
    public ggml_type Type(int width) => _storage == AdapterStorage.Int8 && width % RankStep == 0 ? ggml_type.Q8_0 : ggml_type.F16;

    /// <summary>Bytes of such a row.</summary>
    public long RowBytes(int width) => Type(width) == ggml_type.Q8_0 ? (long)width / RankStep * BlockBytes : 2L * width;

    /// <inheritdoc/>
    public long ByteLength(AdapterModule module, int rank)
    {
        var padded = Pad(rank, RankStep);
        return Align(padded * RowBytes(module.Inputs)) + Align(module.Outputs * RowBytes(padded));
    }

    /// <inheritdoc/>
    public ModuleWeights Write(AdapterModule module, int rank, float strength, ReadOnlySpan<float> down, ReadOnlySpan<float> up, byte* at)
    {
        var padded = Pad(rank, RankStep);
        var weights = new ModuleWeights { Rank = padded, Down = at, Up = at + Align(padded * RowBytes(module.Inputs)) };
        var factors = Factors(rank, strength, down[..(module.Inputs * rank)], up[..(module.Outputs * rank)]);
        var row = ArrayPool<float>.Shared.Rent(Math.Max(module.Inputs, padded));
        for (var k = 0; k < rank; k++)
        {
            for (var i = 0; i < module.Inputs; i++)
                row[i] = (float)(down[(k * module.Inputs) + i] * factors[k]);
            Store(row.AsSpan(0, module.Inputs), weights.Down + (k * RowBytes(module.Inputs)));
        }
        row.AsSpan(0, padded).Clear();
        for (var o = 0; o < module.Outputs; o++)
        {
            for (var k = 0; k < rank; k++)
                row[k] = factors[k] == 0 ? 0 : (float)(up[(o * rank) + k] * (strength / factors[k]));
            Store(row.AsSpan(0, padded), weights.Up + (o * RowBytes(padded)));
        }
        ArrayPool<float>.Shared.Return(row);
        return weights;
    }

    private static int Pad(int rank, int step) => (rank + step - 1) / step * step;

    private static long Align(long bytes) => (bytes + 63) / 64 * 64;

    // Per rank a power of two that makes the largest numbers of A and B about equal: neither leaves the range of a half, and no bit is lost. Of double precision, as a tiny A and a
    // huge B may lie further apart than floats reach. Zero where either is: the other half could be too great to be kept, and does nothing.
    private static double[] Factors(int rank, float strength, ReadOnlySpan<float> down, ReadOnlySpan<float> up)
    {
        var factors = new double[rank];
        var inputs = down.Length / rank;
        for (var k = 0; k < rank; k++)
        {
            double a = 0, b = 0;
            foreach (var number in down.Slice(k * inputs, inputs))
                a = Math.Max(a, Math.Abs(number));
            for (var i = k; i < up.Length; i += rank)
                b = Math.Max(b, Math.Abs((double)up[i] * strength));
            factors[k] = a == 0 || b == 0 ? 0 : Math.ScaleB(1, (Math.ILogB(b) - Math.ILogB(a)) / 2);
        }
        return factors;
    }

    // Products by id take slices of stacks in blocks that may reach into the next slot's: nothing times infinity would be no number there.
    private static Half Finite(Half half) => Half.IsFinite(half) ? half : throw new OverflowException();

    private void Store(ReadOnlySpan<float> row, byte* target)
    {
        if (Type(row.Length) == ggml_type.F16)
        {
            for (var i = 0; i < row.Length; i++)
                ((Half*)target)[i] = Finite((Half)row[i]);
            return;
        }
        for (; row.Length > 0; row = row[RankStep..], target += BlockBytes)
        {
            // block_q8_0: a half, then 32 signed bytes.
            float largest = 0;
            foreach (var number in row[..RankStep])
                largest = Math.Max(largest, Math.Abs(number));
            *(Half*)target = Finite((Half)(largest / 127));
            // Small scales are rounded coarsely, so numbers are divided by what was kept. Those that become zero stand for products below 2^-36, which no sum with a row shows.
            var scale = (float)*(Half*)target;
            for (var i = 0; i < RankStep && scale != 0; i++)
                ((sbyte*)target)[2 + i] = (sbyte)Math.Clamp(MathF.Round(row[i] / scale), -127, 127);
        }
    }
}
