using System.Buffers;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Reads an adapter file into the kernel's layout. Off the engine's thread; everything is checked before memory is asked for.</summary>
internal sealed unsafe class AdapterReader(string modelPath, AdapterModules modules, AdapterStorage storage)
{
    private const float SmallestNormalHalf = 6.103515625e-5f;
    private readonly int _weightBytes = storage == AdapterStorage.Int8 ? 1 : 2;

    public RoutedAdapter Read(string path, CancellationToken cancellation)
    {
        try
        {
            var info = LoraValidator.Validate(path, modelPath);
            using var file = GgufFile.Open(path);
            return Read(file, info.Alpha, [.. info.Targets.Select(target => target.Tensor)], requireApplied: true, cancellation);
        }
        catch (ModelFileException refused)
        {
            throw new EngineException(refused.Message, refused);
        }
    }

    /// <summary>Reads a file whose pairs are known to fit.</summary>
    public RoutedAdapter Read(GgufFile file, float alpha, IReadOnlyList<string> targets, bool requireApplied, CancellationToken cancellation)
    {
        // In the order in which a step reads them.
        var pairs = targets.Select(name => Pair(file, name, requireApplied)).OrderBy(pair => pair.Module.Order).ToArray();
        long bytes = 0;
        foreach (var (module, a, _) in pairs)
            bytes += ByteLength(module, ModuleWeights.PadRank((int)a.Ne1));
        var adapter = new RoutedAdapter(modules.All.Count, bytes, pairs.Max(pair => (int)pair.A.Ne1));
        try
        {
            var at = adapter.Memory;
            foreach (var (module, a, b) in pairs)
            {
                cancellation.ThrowIfCancellationRequested();
                var rank = ModuleWeights.PadRank((int)a.Ne1);
                adapter.Modules[module.Index] = Load(file, module, a, b, alpha, at);
                at += ByteLength(module, rank);
            }
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    private (AdapterModule Module, GgufTensor A, GgufTensor B) Pair(GgufFile file, string name, bool requireApplied)
    {
        var module = modules.Find(name);
        if (module is null || (requireApplied && !module.IsApplied))
            throw new EngineException($"{Path.GetFileName(file.Path)}: {name}: the graph of this model does not apply adapters to it. Train the adapter without this module");
        if (!file.TryGetTensor(name + ".lora_a", out var a) || !file.TryGetTensor(name + ".lora_b", out var b))
            throw new EngineException($"{Path.GetFileName(file.Path)}: {name}: one half of the pair is missing");
        foreach (var half in new[] { a, b })
            if (half.Type is not (GgmlType.F16 or GgmlType.F32 or GgmlType.BF16))
                throw new EngineException($"{Path.GetFileName(file.Path)}: {half.Name} is of type {half.Type}; allowed: F16, F32, BF16. Convert the adapter without quantising it");
        return (module, a, b);
    }

    private long ByteLength(AdapterModule module, int rank) =>
        Align((long)rank * sizeof(float)) + Align((long)rank * module.Inputs * _weightBytes)
        + Align((long)rank * ModuleWeights.Blocks(module.Outputs) * ModuleWeights.BlockOutputs * _weightBytes);

    private static long Align(long bytes) => (bytes + 63) / 64 * 64;

    private ModuleWeights Load(GgufFile file, AdapterModule module, GgufTensor a, GgufTensor b, float alpha, byte* at)
    {
        int rank = (int)a.Ne1, padded = ModuleWeights.PadRank(rank);
        var weights = new ModuleWeights { Rank = padded, Scales = (float*)at };
        weights.Down = at + Align((long)padded * sizeof(float));
        weights.Up = weights.Down + Align((long)padded * module.Inputs * _weightBytes);
        NativeMemory.Clear(at, (nuint)ByteLength(module, padded));
        for (var k = 0; k < rank; k++)
            weights.Scales[k] = alpha / rank;
        var numbers = ArrayPool<float>.Shared.Rent(Math.Max(module.Inputs, module.Outputs) * rank);
        try
        {
            // A: rank rows of inputs, as in the file.
            Floats(file, a, numbers);
            for (var k = 0; k < rank; k++)
                Store(numbers.AsSpan(k * module.Inputs, module.Inputs), 1, weights.Down + ((long)k * module.Inputs * _weightBytes), module.Inputs, 0, ref weights.Scales[k]);
            // B: outputs rows of rank in the file, blocks of 64 outputs by rank in memory.
            Floats(file, b, numbers);
            for (var k = 0; k < rank; k++)
                Store(numbers.AsSpan(k, ((module.Outputs - 1) * rank) + 1), rank, weights.Up + ((long)k * ModuleWeights.BlockOutputs * _weightBytes),
                    ModuleWeights.BlockOutputs, (long)padded * ModuleWeights.BlockOutputs * _weightBytes, ref weights.Scales[k]);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(numbers);
        }
        return weights;
    }

    // Every step-th number of source, in runs of runLength with runBytes from one run to the next, scaled so that the largest uses the storage's range.
    private void Store(ReadOnlySpan<float> source, int step, byte* target, int runLength, long runBytes, ref float scale)
    {
        var count = ((source.Length - 1) / step) + 1;
        float largest = 0;
        for (var i = 0; i < count; i++)
            largest = Math.Max(largest, Math.Abs(source[i * step]));
        // Halves are scaled by a power of two, which changes none of their bits but the exponent's: the largest comes to 2^14..2^15.
        var factor = largest == 0 ? 0 : storage == AdapterStorage.Int8 ? 127 / largest : MathF.ScaleB(1, 14 - MathF.ILogB(largest));
        for (var start = 0; start < count; start += runLength, target += runBytes)
        {
            var run = source[(start * step)..];
            var length = Math.Min(runLength, count - start);
            if (storage == AdapterStorage.Int8)
                for (var i = 0; i < length; i++)
                    ((sbyte*)target)[i] = (sbyte)MathF.Round(run[i * step] * factor);
            else
                for (var i = 0; i < length; i++)
                    ((Half*)target)[i] = (Half)(Math.Abs(run[i * step] * factor) < SmallestNormalHalf ? 0 : run[i * step] * factor);
        }
        scale = factor == 0 ? 0 : scale / factor;
    }

    private static void Floats(GgufFile file, GgufTensor tensor, Span<float> target)
    {
        var bytes = file.TensorBytes(tensor, 0, checked((int)tensor.ByteLength));
        var count = (int)tensor.Elements;
        switch (tensor.Type)
        {
            case GgmlType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(target);
                break;
            case GgmlType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < count; i++)
                    target[i] = (float)halves[i];
                break;
            default:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < count; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                break;
        }
    }
}
