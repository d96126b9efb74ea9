using System.Globalization;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// Decides whether the engine may be shown an adapter for a given model. The engine's own loader checks neither that the adapter was
/// made for the model nor that it changes anything; this does.
/// </summary>
public static class LoraValidator
{
    /// <summary>Key under which our importer states the hash of the base model.</summary>
    public const string BaseHashKey = "inferencehost.base_model.sha256";

    /// <summary>Largest rank accepted.</summary>
    public const int MaxRank = 4096;

    private const string Remedy = "Convert the adapter again, and check that it was trained on this model.";

    /// <summary>Validates an adapter against the tensors of a model (which is not validated itself).</summary>
    /// <param name="adapterPath">A GGUF adapter.</param>
    /// <param name="modelPath">The model it shall change.</param>
    /// <param name="modelSha256">Hash of the model if it is known; otherwise it is computed, but only where the adapter states one.</param>
    /// <exception cref="ModelFileException">The adapter is malformed, unsupported, does not fit the model, or would change
    /// nothing.</exception>
    public static LoraInfo Validate(string adapterPath, string modelPath, string? modelSha256 = null)
    {
        using var adapter = GgufFile.Open(adapterPath);
        var info = ReadHead(adapter);
        using var model = ModelParts.Open(modelPath);
        var architecture = ModelValidator.CheckArchitecture(model.Head);
        if (architecture != info.Architecture)
            throw Bad(adapter, "general.architecture", $"'{info.Architecture}'",
                $"'{architecture}', the architecture of {Path.GetFileName(modelPath)}", "The adapter belongs to another model.");
        CheckBaseHash(adapter, info, modelPath, modelSha256);
        var targets = ReadTargets(adapter, model, architecture);
        CheckNumbers(adapter, info.Alpha, targets);
        return info with { Targets = targets };
    }

    private static LoraInfo ReadHead(GgufFile file)
    {
        Expect(file, "general.type", "adapter");
        Expect(file, "adapter.type", "lora");
        if (!file.TryGetString("general.architecture", out var architecture))
            throw Bad(file, "general.architecture", "nothing", "the model's architecture", Remedy);
        if (file.TryGetValue("adapter.alora.invocation_tokens", out _))
            throw Bad(file, "adapter.alora.invocation_tokens", "an activated adapter (aLoRA)", "a plain LoRA adapter",
                "Adapters that switch themselves on in mid-prompt are not supported.");
        if (!file.TryGetSingle("adapter.lora.alpha", out var alpha))
            throw Bad(file, "adapter.lora.alpha", "nothing", "a number above 0",
                "Without alpha the adapter's strength is unknown; convert it again.");
        if (alpha is not (> 0 and < 1e6f))
            throw Bad(file, "adapter.lora.alpha", alpha.ToString(CultureInfo.InvariantCulture), "above 0, below 1e6", Remedy);
        if (file.Tensors.Count == 0)
            throw Bad(file, "tensor count", "0", "at least one pair of tensors", "The adapter would change nothing.", 8);
        if (!file.TryGetString("general.name", out var name))
            name = Path.GetFileNameWithoutExtension(file.Path);
        file.TryGetString(BaseHashKey, out var hash);
        return new LoraInfo(name, architecture, alpha, hash, [], file.Tensors.Sum(t => t.ByteLength));
    }

    private static void CheckBaseHash(GgufFile file, LoraInfo info, string modelPath, string? modelSha256)
    {
        if (info.BaseModelSha256 is not { } stated)
            return;
        if (!ContentHash.IsSha256(stated))
            throw Bad(file, BaseHashKey, $"'{stated}'", "a SHA-256 of 64 hexadecimal digits", Remedy);
        var actual = modelSha256 ?? ContentHash.Compute(modelPath);
        if (!stated.Equals(actual, StringComparison.OrdinalIgnoreCase))
            throw Bad(file, BaseHashKey, stated, $"{actual}, the hash of {Path.GetFileName(modelPath)}",
                "The adapter was made for another version of the model.");
    }

    private static List<LoraTarget> ReadTargets(GgufFile file, ModelParts model, string architecture)
    {
        var targets = new List<LoraTarget>(file.Tensors.Count / 2);
        foreach (var tensor in file.Tensors)
        {
            var (name, isB) = Split(file, tensor);
            if (!file.TryGetTensor($"{name}{(isB ? ".lora_a" : ".lora_b")}", out var partner))
                throw Bad(file, tensor, "one half of a pair", $"a tensor {name}{(isB ? ".lora_a" : ".lora_b")} too", Remedy);
            if (isB)
                continue;
            if (!model.TryGet(name, out var weight))
                throw Bad(file, tensor, "a target that the model does not have", $"the tensors of {Path.GetFileName(model.Head.Path)}",
                    Remedy);
            if (weight.Ne2 != 1 || weight.Ne3 != 1)
                throw Bad(file, tensor, "an expert tensor, which adapters do not support", "adapters on matrices",
                    "Train the adapter without this target module.");
            if (LoraTargets.WhyRefused(architecture, name) is { } reason)
                throw Bad(file, tensor, reason, "adapters on the attention and feed-forward matrices",
                    "Train the adapter without this target module.");
            targets.Add(CheckPair(file, tensor, partner, weight));
        }

        return targets;
    }

    private static (string Name, bool IsB) Split(GgufFile file, GgufTensor tensor)
    {
        var isA = tensor.Name.EndsWith(".lora_a", StringComparison.Ordinal);
        var isB = tensor.Name.EndsWith(".lora_b", StringComparison.Ordinal);
        var name = isA || isB ? tensor.Name[..^".lora_a".Length] : "";
        if (name.Length == 0 || name.Contains(".lora_", StringComparison.Ordinal))
            throw Bad(file, tensor, "a tensor that is no half of a pair", "names ending in .lora_a and .lora_b", Remedy);
        return (name, isB);
    }

    private static LoraTarget CheckPair(GgufFile file, GgufTensor a, GgufTensor b, GgufTensor weight)
    {
        foreach (var half in new[] { a, b })
        {
            if (!GgmlTypes.IsAdapterType(half.Type))
                throw Bad(file, half, $"type {half.Type}", "F32, F16, BF16 or Q8_0",
                    "Convert the adapter again with --outtype f32, f16, bf16 or q8_0.");
        }

        var rank = a.Ne1;
        if (rank is < 1 or > MaxRank)
            throw Bad(file, a, $"rank {rank}", $"1 to {MaxRank}", Remedy);
        if (!a.HasShape(weight.Ne0, rank))
            throw Bad(file, a, $"shape {a.ShapeText}", $"{weight.Ne0} x rank, as the model's {weight.Name} is {weight.ShapeText}", Remedy);
        if (!b.HasShape(rank, weight.Ne1))
            throw Bad(file, b, $"shape {b.ShapeText}", $"{rank} x {weight.Ne1}, as the model's {weight.Name} is {weight.ShapeText}",
                Remedy);
        return new LoraTarget(weight.Name, (int)rank, (int)weight.Ne0, (int)weight.Ne1);
    }

    private static void CheckNumbers(GgufFile file, float alpha, List<LoraTarget> targets)
    {
        foreach (var tensor in file.Tensors)
        {
            var bad = TensorScan.FindNotFinite(file, tensor);
            if (bad >= 0)
                throw Bad(file, tensor, $"element {bad} is infinite or not a number", "finite numbers",
                    "The training diverged or the file is damaged.");
        }

        foreach (var target in targets)
        {
            file.TryGetTensor($"{target.Tensor}.lora_a", out var a);
            file.TryGetTensor($"{target.Tensor}.lora_b", out var b);
            if (!LoraNumbers.ChangeNothing(file, a!, b!, (double)alpha / target.Rank))
                return;
        }

        throw Bad(file, "lora_b", "zeros in every pair, or products that count as zeros", "at least one pair that changes the model",
            "The adapter was saved before it was trained, or its training failed.");
    }

    private static void Expect(GgufFile file, string key, string wanted)
    {
        if (!file.TryGetString(key, out var text) || text != wanted)
            throw Bad(file, key, text is null ? "nothing" : $"'{text}'", $"'{wanted}'", "Only LoRA adapters in GGUF form can be added.");
    }

    private static ModelFileException Bad(GgufFile file, GgufTensor tensor, string found, string allowed, string remedy) =>
        new(file.Path, tensor.Name, found, allowed, remedy, tensor.HeaderOffset);

    private static ModelFileException Bad(GgufFile file, string key, string found, string allowed, string remedy, long? offset = null) =>
        new(file.Path, key, found, allowed, remedy, offset ?? (file.TryGetValue(key, out var value) ? value.Offset : null));
}
