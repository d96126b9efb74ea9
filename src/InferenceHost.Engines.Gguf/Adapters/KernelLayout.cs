namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>The layout that our kernel reads, see <see cref="ModuleWeights"/>: 8 bits or halves, a scale per rank.</summary>
internal sealed unsafe class KernelLayout(AdapterStorage storage) : IAdapterLayout
{
    private const float SmallestNormalHalf = 6.103515625e-5f;
    private readonly int _weightBytes = storage == AdapterStorage.Int8 ? 1 : 2;

    /// <inheritdoc/>
    public int MaxRank => int.MaxValue;

    /// <inheritdoc/>
    public long ByteLength(AdapterModule module, int rank)
    {
        var padded = (long)ModuleWeights.PadRank(rank);
        return Align(padded * sizeof(float)) + Align(padded * module.Inputs * _weightBytes)
            + Align(padded * ModuleWeights.Blocks(module.Outputs) * ModuleWeights.BlockOutputs * _weightBytes);
    }

    /// <inheritdoc/>
    public ModuleWeights Write(AdapterModule module, int rank, float strength, ReadOnlySpan<float> down, ReadOnlySpan<float> up, byte* at)
    {
        var padded = ModuleWeights.PadRank(rank);
        var weights = new ModuleWeights { Rank = padded, Scales = (float*)at };
        weights.Down = at + Align((long)padded * sizeof(float));
        weights.Up = weights.Down + Align((long)padded * module.Inputs * _weightBytes);
        for (var k = 0; k < rank; k++)
        {
            // Of double precision until it is whole: single steps of it may lie beyond the floats, where A is tiny and B is huge.
            double scale = strength;
            // A: rank rows of inputs, as in the file.
            Store(down.Slice(k * module.Inputs, module.Inputs), 1, weights.Down + ((long)k * module.Inputs * _weightBytes), module.Inputs, 0, ref scale);
            // B: outputs rows of rank in the file, blocks of 64 outputs by rank in memory.
            Store(up.Slice(k, ((module.Outputs - 1) * rank) + 1), rank, weights.Up + ((long)k * ModuleWeights.BlockOutputs * _weightBytes),
                ModuleWeights.BlockOutputs, (long)padded * ModuleWeights.BlockOutputs * _weightBytes, ref scale);
            weights.Scales[k] = (float)scale;
            if (!float.IsFinite(weights.Scales[k]))
                throw new OverflowException();
        }
        return weights;
    }

    private static long Align(long bytes) => (bytes + 63) / 64 * 64;

    // Every step-th number of source, in runs of runLength with runBytes from one run to the next, scaled so that the largest uses the storage's range.
    private void Store(ReadOnlySpan<float> source, int step, byte* target, int runLength, long runBytes, ref double scale)
    {
        var count = ((source.Length - 1) / step) + 1;
        float largest = 0;
        for (var i = 0; i < count; i++)
            largest = Math.Max(largest, Math.Abs(source[i * step]));
        // Halves are scaled by a power of two, which changes none of their bits but the exponent's: the largest comes to 2^14..2^15.
        var factor = largest == 0 ? 0 : storage == AdapterStorage.Int8 ? 127 / (double)largest : Math.ScaleB(1, 14 - MathF.ILogB(largest));
        for (var start = 0; start < count; start += runLength, target += runBytes)
        {
            var run = source[(start * step)..];
            var length = Math.Min(runLength, count - start);
            if (storage == AdapterStorage.Int8)
                for (var i = 0; i < length; i++)
                    ((sbyte*)target)[i] = (sbyte)Math.Round(run[i * step] * factor);
            else
                for (var i = 0; i < length; i++)
                {
                    var number = (float)(run[i * step] * factor);
                    ((Half*)target)[i] = (Half)(Math.Abs(number) < SmallestNormalHalf ? 0 : number);
                }
        }
        scale = factor == 0 ? 0 : scale / factor;
    }
}
