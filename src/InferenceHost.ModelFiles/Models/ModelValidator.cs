using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// Decides whether the engine may be shown a model file. The engine stops its process on many malformed files, so everything it takes for
/// granted is checked here first; an architecture that cannot be served is refused by name.
/// </summary>
public static class ModelValidator
{
    /// <summary>Validates a model file (or the first part of a split model).</summary>
    /// <param name="path">A GGUF file.</param>
    /// <param name="vocabularyOnly">Whether a file without tensors is accepted (a tokenizer to test with); hyper-parameters are not
    /// required then.</param>
    /// <exception cref="ModelFileException">The file is malformed or cannot be served.</exception>
    public static void Validate(string path, bool vocabularyOnly = false)
    {
        using var parts = ModelParts.Open(path);
        Validate(parts, vocabularyOnly);
    }

    internal static void Validate(ModelParts parts, bool vocabularyOnly)
    {
        var file = parts.Head;
        CheckKind(file);
        var architecture = CheckArchitecture(file);
        var vocabulary = new VocabularyChecker(file).Check();
        CheckTexts(file);
        KeyTypes.Check(file, architecture);
        if (vocabularyOnly)
            return;
        if (file.Tensors.Count == 0)
            throw new ModelFileException(file.Path, "tensor count", "0", "at least 1",
                "The file holds a vocabulary only; name the model itself.", 8);
        CheckSpecialCases(file, architecture);
        var parameters = HyperParameters.Read(file, architecture);
        new TensorChecker(parts, parameters, vocabulary).Check();
    }

    /// <summary>The architecture of an opened file, refused by name unless it is served.</summary>
    /// <exception cref="ModelFileException">The architecture is missing, unknown or not served.</exception>
    internal static string CheckArchitecture(GgufFile file)
    {
        const string Key = "general.architecture";
        if (!file.TryGetString(Key, out var name))
            throw new ModelFileException(file.Path, Key, "nothing", "an architecture name",
                "The file does not say what it is; convert the model again.");
        if (Architectures.IsServed(name))
            return name;
        file.TryGetValue(Key, out var value);
        if (Architectures.WhyRefused(name) is { } reason)
            throw new ModelFileException(file.Path, Key, $"'{name}', {reason}", "a model that generates text",
                "Choose a text generation model.", value?.Offset);
        throw new ModelFileException(file.Path, Key, $"'{name}', which the engine does not know", "an architecture of llama.cpp v0.5.0",
            "The model is newer than the engine, or the file is damaged.", value?.Offset);
    }

    private static void CheckKind(GgufFile file)
    {
        if (file.TryGetString("general.type", out var type) && type is not "model")
        {
            file.TryGetValue("general.type", out var value);
            throw new ModelFileException(file.Path, "general.type", $"'{type}'", "'model'",
                type == "adapter" ? "An adapter is added to a model, not loaded in its place." : "Name the model itself.", value?.Offset);
        }
    }

    private static void CheckTexts(GgufFile file)
    {
        file.TryGetString("general.name", out _);
        if (file.TryGetValue("tokenizer.chat_template", out var template) && !template.IsArray)
            file.TryGetString(template.Key, out _);
    }

    private static void CheckSpecialCases(GgufFile file, string architecture)
    {
        const string Key = "plamo2.attention.head_count";
        if (architecture == "plamo2" && file.TryGetValue(Key, out var heads) && heads.IsArray)
        {
            throw new ModelFileException(file.Path, Key, "one number per layer", "one number for all layers",
                "With an array the engine leaves RoPE out and hangs on the CPU; convert the model with a converter that writes a scalar.",
                    heads.Offset);
        }
    }
}
