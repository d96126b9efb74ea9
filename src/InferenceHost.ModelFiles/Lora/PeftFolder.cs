namespace InferenceHost.ModelFiles.Lora;

/// <summary>The two files that make an adapter of a folder.</summary>
internal static class PeftFolder
{
    /// <summary>Path of the configuration; it is not opened.</summary>
    /// <exception cref="ModelFileException">There is none.</exception>
    public static string Config(string folder)
    {
        var path = Path.Combine(folder, "adapter_config.json");
        return Path.Exists(path) ? path : throw Missing(path);
    }

    /// <summary>Path of the tensors; they are not opened.</summary>
    /// <exception cref="ModelFileException">There are none, or in a form that is not read.</exception>
    public static string Tensors(string folder)
    {
        var path = Path.Combine(folder, "adapter_model.safetensors");
        if (Path.Exists(path))
            return path;
        foreach (var other in Directory.EnumerateFiles(folder, "adapter_model*").Order(StringComparer.Ordinal))
        {
            var found = Path.GetFileName(other) switch
            {
                "adapter_model.bin" => "a PyTorch pickle, which is not supported: reading it may run code",
                "adapter_model.safetensors.index.json" => "an adapter in several files, which is not supported",
                var name when name.StartsWith("adapter_model-", StringComparison.Ordinal) =>
                    "one of several files, which are not supported",
                _ => null,
            };
            if (found is not null)
                throw new ModelFileException(other, "file", found, "one file adapter_model.safetensors",
                    "Load the adapter in PEFT and save it with save_pretrained(folder, safe_serialization=True).");
        }

        throw Missing(path);
    }

    private static ModelFileException Missing(string path) =>
        new(path, "file", "nothing", "both adapter_config.json and adapter_model.safetensors", "Name a folder as PEFT writes it.", null,
            new FileNotFoundException(null, path));
}
