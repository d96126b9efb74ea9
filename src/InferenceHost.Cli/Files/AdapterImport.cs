using InferenceHost.ModelFiles.Lora;

namespace InferenceHost.Cli.Files;

/// <summary>An adapter as a user has it, as a GGUF file: a GGUF file itself, or a PEFT folder converted into a temporary one.</summary>
internal sealed class AdapterImport : IDisposable
{
    private string? _temporary;

    private AdapterImport(string source) => Source = source;

    /// <summary>File or folder.</summary>
    public string Source { get; }

    /// <summary>Whether a model is needed to read it: modules are named after the model's architecture.</summary>
    public bool NeedsModel => Directory.Exists(Source);

    /// <exception cref="CliException">There is neither such a file nor such a folder.</exception>
    public static AdapterImport Open(string path)
    {
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new CliException(ExitCode.NotFound, $"there is no adapter at {path}.", "Name a GGUF LoRA file or a PEFT folder (adapter_config.json and adapter_model.safetensors).");
        return new AdapterImport(path);
    }

    /// <summary>Path of the GGUF file; converts a folder.</summary>
    /// <param name="modelPath">The base model; only used where <see cref="NeedsModel"/>.</param>
    /// <exception cref="ModelFiles.ModelFileException">The folder is malformed, not plain LoRA, or does not fit the model.</exception>
    /// <exception cref="CliException">A model is needed and none is known.</exception>
    public string ToGguf(string? modelPath)
    {
        if (!NeedsModel)
            return Source;
        if (modelPath is null)
            throw new CliException(ExitCode.Usage, $"{Source} is a PEFT folder: its base model is needed to convert it.", "Name the model's GGUF file with --base PATH.");
        _temporary = Path.Combine(Path.GetTempPath(), $"inferencehost-{Guid.NewGuid():N}.gguf");
        PeftImporter.Import(Source, modelPath, _temporary);
        return _temporary;
    }

    public void Dispose()
    {
        if (_temporary is not null)
            File.Delete(_temporary);
    }
}
