using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Reads an adapter file into the layout of a way of routing. Off the engine's thread; everything is checked before memory is asked for.</summary>
internal sealed unsafe class AdapterReader(string modelPath, AdapterModules modules, IAdapterLayout layout)
{
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
            bytes += layout.ByteLength(module, (int)a.Ne1);
        var adapter = new RoutedAdapter(modules.All.Count, bytes, pairs.Max(pair => (int)pair.A.Ne1));
        try
        {
            var at = adapter.Memory;
            foreach (var (module, a, b) in pairs)
            {
                cancellation.ThrowIfCancellationRequested();
                adapter.Modules[module.Index] = Load(file, module, a, b, alpha, at);
                at += layout.ByteLength(module, (int)a.Ne1);
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
        if (a.Ne1 > layout.MaxRank)
            throw new EngineException($"{Path.GetFileName(file.Path)}: {name} has rank {a.Ne1}; this engine was loaded for ranks up to {layout.MaxRank}. Train the adapter with a lower rank, or start with a higher --adapter-rank");
        return (module, a, b);
    }

    private ModuleWeights Load(GgufFile file, AdapterModule module, GgufTensor a, GgufTensor b, float alpha, byte* at)
    {
        var rank = (int)a.Ne1;
        NativeMemory.Clear(at, (nuint)layout.ByteLength(module, rank));
        var down = ArrayPool<float>.Shared.Rent(module.Inputs * rank);
        var up = ArrayPool<float>.Shared.Rent(module.Outputs * rank);
        try
        {
            LoraNumbers.Read(file, a, down);
            LoraNumbers.Read(file, b, up);
            return layout.Write(module, rank, alpha / rank, down, up, at);
        }
        catch (OverflowException)
        {
            throw new EngineException(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file.Path)}: {module.Name}: A times B times alpha / rank ({alpha} / {rank}) is too great to be kept. Adapters change weights by little: was alpha written wrongly?"));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(down);
            ArrayPool<float>.Shared.Return(up);
        }
    }
}
