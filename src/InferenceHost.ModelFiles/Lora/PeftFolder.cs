namespace InferenceHost.ModelFiles.Lora;

/// <summary>The two files that make an adapter of a folder.</summary>
internal static class PeftFolder
{
    /// <summary>Path of the configuration; it is not opened.</summary>
    public static string Config(string folder) => Path.Combine(folder, "adapter_config.json");

    /// <summary>Path of the tensors; they are not opened.</summary>
    /// <exception cref="ModelFileException">They are there in a form that is not read.</exception>
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
                var name when name.StartsWith("adapter_model-", StringComparison.Ordinal) => "one of several files, which are not supported",
                _ => null,
            };
            if (found is not null)
                throw new ModelFileException(other, "file", found, "one file adapter_model.safetensors",
                    "Load the adapter in PEFT and save it with save_pretrained(folder, safe_serialization=True).");
        }

        return path;
    }
}
