using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>The matrices of a model that adapters may name; which of them the graph applies adapters to shows in the first decode.</summary>
internal sealed class AdapterModules
{
    // libggml keeps names of 63 bytes, and ".lora_a" is appended.
    private const int MaxNameBytes = 63 - 7;
    private readonly Dictionary<string, AdapterModule> _byName;

    private AdapterModules(List<AdapterModule> all)
    {
        All = all;
        _byName = all.ToDictionary(module => module.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<AdapterModule> All { get; }

    /// <summary>Every two-dimensional weight of the layers, and the output head where it is a tensor of its own.</summary>
    public static AdapterModules Of(IEnumerable<GgufTensor> tensors)
    {
        var modules = new List<AdapterModule>();
        foreach (var tensor in tensors)
            if (IsCandidate(tensor))
                modules.Add(new AdapterModule(modules.Count, tensor.Name, (int)tensor.Ne0, (int)tensor.Ne1));
        return new AdapterModules(modules);
    }

    public AdapterModule? Find(string name) => _byName.GetValueOrDefault(name);

    private static bool IsCandidate(GgufTensor tensor) =>
        tensor is { Dimensions: 2, Ne0: > 0 and <= int.MaxValue, Ne1: > 0 and <= int.MaxValue }
        && tensor.Name.Length <= MaxNameBytes
        && tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
        && !tensor.Name.EndsWith("_norm.weight", StringComparison.Ordinal)
        && (tensor.Name == "output.weight" || (tensor.Name.StartsWith("blk.", StringComparison.Ordinal) && !tensor.Name.Contains("_exps.", StringComparison.Ordinal)));
}
