using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>
/// Converts an adapter as PEFT saves it (<c>adapter_config.json</c> and <c>adapter_model.safetensors</c>) to a GGUF adapter for a given
/// model. The result has the strength it was trained with: rank-stabilised adapters get alpha * sqrt(r), and where modules differ in
/// alpha the difference goes into B. The same input gives the same bytes.
/// </summary>
public static class PeftImporter
{
    private const string ModelPrefix = "base_model.model.";
    private const string Remedy = "Train the adapter without this target module.";

    /// <summary>Imports a folder and validates the result against the model.</summary>
    /// <param name="folder">Folder with the two files of PEFT.</param>
    /// <param name="modelPath">The GGUF model that the adapter shall change.</param>
    /// <param name="outputPath">Where the GGUF adapter goes; replaced if it exists.</param>
    /// <param name="name">Its <c>general.name</c>; by default made of the folder's name.</param>
    /// <param name="modelSha256">Hash of the model, written into the adapter so that it is only ever used with that file; null leaves it
    /// out.</param>
    /// <exception cref="ModelFileException">The folder is malformed, not plain LoRA, or does not fit the model. The output is left as it
    /// was then.</exception>
    public static LoraInfo Import(string folder, string modelPath, string outputPath, string? name = null, string? modelSha256 = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var config = PeftConfig.Read(PeftFolder.Config(folder));
        using var source = SafetensorsFile.Open(PeftFolder.Tensors(folder));
        var origins = new Dictionary<string, SafetensorsFile.Tensor>(StringComparer.Ordinal);
        var draft = $"{outputPath}.{Guid.NewGuid():N}.import";
        try
        {
            using (var model = ModelParts.Open(modelPath))
            {
                var architecture = ModelValidator.CheckArchitecture(model.Head);
                var numbers = HyperParameters.Read(model.Head, architecture);
                var table = PeftNames.For(numbers)
                    ?? throw new ModelFileException(modelPath, "general.architecture", $"'{architecture}'",
                        "an architecture with a known table of module names",
                        "Convert the adapter to GGUF with the engine's own converter.");
                Convert(source, config, table, numbers, name ?? TitleOf(folder), modelSha256, origins).Write(draft);
            }

            var info = LoraValidator.Validate(draft, modelPath, modelSha256);
            File.Move(draft, outputPath, overwrite: true);
            return info;
        }
        catch (ModelFileException error) when (error.Path == draft && error.InnerException is null)
        {
            throw OfSource(error, source, origins);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(outputPath, "file", error.Message, "a writable place", "Check permissions and free space.", null,
                error);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private static GgufWriter Convert(SafetensorsFile source, PeftConfig config, PeftTable table, HyperParameters p, string name,
        string? modelSha256, Dictionary<string, SafetensorsFile.Tensor> origins)
    {
        var writer = new GgufWriter().Add("general.architecture", p.Architecture).Add("general.type", "adapter")
            .Add("adapter.type", "lora").Add("general.name", name)
            .Add("adapter.lora.alpha", (float)config.PlainAlpha).Add("general.quantization_version", 2u);
        if (modelSha256 is not null)
            writer.Add(LoraValidator.BaseHashKey, modelSha256);
        foreach (var tensor in source.Tensors)
        {
            var (module, isB) = Split(source, tensor);
            if (!table.TryGet(module, out var targets, out var layer))
                throw Unknown(source, tensor, module, table, p.Architecture);
            if (layer >= p.Layers)
                throw Bad(source, tensor, $"layer {layer}, which the model does not have", $"layers 0 to {p.Layers - 1}",
                    "The adapter belongs to another model.");
            CheckShape(source, tensor, config.RankOf(module), isB);
            var factor = isB ? config.PlainAlphaOf(module) / config.PlainAlpha : 1;
            var whole = source.Read(tensor);
            foreach (var target in targets)
            {
                var wanted = PeftTable.TensorName(target, layer);
                if (LoraTargets.WhyRefused(p.Architecture, wanted) is { } reason)
                    throw Bad(source, tensor, reason, $"a module that adapters of '{p.Architecture}' may change", Remedy);
                var half = $"{wanted}{(isB ? ".lora_b" : ".lora_a")}";
                if (!origins.TryAdd(half, tensor))
                    throw Bad(source, tensor, $"a second tensor for {wanted}", "one pair per module", "Save the adapter again.");
                var data = isB ? TakeRows(source, tensor, whole, target, p, layer) : whole;
                var (type, bytes) = Scale(tensor.Type, data, factor);
                var rows = data.Length / (tensor.ByteLength / tensor.Shape[0]);
                writer.AddTensor(half, [tensor.Shape[1], rows], type, bytes);
            }
        }

        return writer;
    }

    // The draft is gone in a moment, and nobody has seen its names: what is wrong with it is said of what it was made from.
    private static ModelFileException OfSource(ModelFileException draft, SafetensorsFile source,
        Dictionary<string, SafetensorsFile.Tensor> origins) =>
        origins.TryGetValue(draft.Field, out var tensor)
            ? new ModelFileException(source.Path, tensor.Name, $"{draft.Found} (converted to {draft.Field})", draft.Allowed, draft.Remedy,
                tensor.Offset, draft)
            : new ModelFileException(source.Path, draft.Field, draft.Found, draft.Allowed, draft.Remedy, null, draft);

    private static ModelFileException Unknown(SafetensorsFile source, SafetensorsFile.Tensor tensor, string module, PeftTable table,
        string architecture) => table.ExampleOf(module) is { } example
        ? Bad(source, tensor, $"module '{module}'", $"names like {ModelPrefix}{example}.lora_A.weight",
            "The name begins in another way than PEFT's: save the adapter with PEFT.")
        : Bad(source, tensor, $"module '{module}'", $"a module that adapters of '{architecture}' may change", Remedy);

    // Some tools leave PEFT's prefix out: what remains is the same module.
    private static (string Module, bool IsB) Split(SafetensorsFile source, SafetensorsFile.Tensor tensor)
    {
        var isB = tensor.Name.Contains(".lora_B.", StringComparison.Ordinal);
        var marker = isB ? ".lora_B." : ".lora_A.";
        var at = tensor.Name.IndexOf(marker, StringComparison.Ordinal);
        var start = tensor.Name.StartsWith(ModelPrefix, StringComparison.Ordinal) ? ModelPrefix.Length : 0;
        if (at <= start || !tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
            || tensor.Name.AsSpan(at + marker.Length).Count('.') > 1)
        {
            throw Bad(source, tensor, Describe(tensor.Name), "names ending in .lora_A.weight and .lora_B.weight",
                "Only plain LoRA can be imported; save the adapter without extra parameters.");
        }

        return (tensor.Name[start..at], isB);
    }

    private static string Describe(string name) => name switch
    {
        _ when name.Contains("lora_magnitude_vector", StringComparison.Ordinal) => "a magnitude vector (DoRA)",
        _ when name.Contains("modules_to_save", StringComparison.Ordinal) => "a module saved whole (modules_to_save)",
        _ when name.Contains("lora_embedding", StringComparison.Ordinal) => "an adapter of the token embedding",
        _ when name.EndsWith(".bias", StringComparison.Ordinal) => "a bias",
        _ => "a tensor that is no half of a pair",
    };

    private static void CheckShape(SafetensorsFile source, SafetensorsFile.Tensor tensor, int rank, bool isB)
    {
        if (tensor.Shape.Length != 2 || tensor.Shape[isB ? 1 : 0] != rank)
            throw Bad(source, tensor, $"shape [{string.Join(", ", tensor.Shape)}]", isB ? $"[outputs, {rank}]" : $"[{rank}, inputs]",
                "adapter_config.json and the tensors disagree; save the adapter again.");
    }

    // B's rows are the module's outputs, in the order of Hugging Face; the tensor has some of them in its own order.
    private static byte[] TakeRows(SafetensorsFile source, SafetensorsFile.Tensor tensor, byte[] data, PeftTarget target, HyperParameters p,
        int layer)
    {
        var rows = tensor.Shape[0];
        var unit = layer == PeftTable.NoLayer ? 1 : PeftRows.UnitOf(target, p, layer);
        if (unit == 0 || rows % unit != 0)
            throw Bad(source, tensor, $"{rows} rows", unit == 0 ? "a layer with attention heads" : $"a multiple of {unit}",
                "The adapter belongs to another model.");
        if (PeftRows.Of(target, rows, p, layer) is not { } order)
            return data;
        var rowBytes = data.Length / rows;
        var result = new byte[order.Length * rowBytes];
        for (var i = 0; i < order.Length; i++)
            data.AsSpan(order[i] * rowBytes, rowBytes).CopyTo(result.AsSpan(i * rowBytes));
        return result;
    }

    private static (GgmlType Type, byte[] Data) Scale(GgmlType type, byte[] data, double factor)
    {
        if (factor == 1)
            return (type, data);
        var numbers = new float[data.Length / GgmlTypes.BlockBytes(type)];
        LoraNumbers.Read(data, type, numbers);
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = (float)(numbers[i] * factor);
        return (GgmlType.F32, MemoryMarshal.AsBytes<float>(numbers).ToArray());
    }

    // "c-r16-rs" becomes "C R16 Rs".
    private static string TitleOf(string folder)
    {
        var words = Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar))
            .Split(['-', '_', ' '], StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words.Select(w => char.ToUpperInvariant(w[0]) + w[1..]));
    }

    private static ModelFileException Bad(SafetensorsFile source, SafetensorsFile.Tensor tensor, string found, string allowed,
        string remedy) =>
        new(source.Path, tensor.Name, found, allowed, remedy, tensor.Offset);
}
