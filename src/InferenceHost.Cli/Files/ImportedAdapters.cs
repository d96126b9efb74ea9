namespace InferenceHost.Cli.Files;

/// <summary>The adapters of one <c>serve</c>; temporary files of PEFT folders live as long as the server.</summary>
/// <param name="modelPath">The base model; null where it is not known before the server starts.</param>
internal sealed class ImportedAdapters(string? modelPath) : IDisposable
{
    private readonly List<AdapterImport> _imports = [];

    /// <summary>Path of the GGUF file of an adapter. A path that does not exist is left to the server, which names all such options at once.</summary>
    public string Import(string path)
    {
        if (!Directory.Exists(path))
            return path;
        AdapterImport import = AdapterImport.Open(path);
        _imports.Add(import);
        return import.ToGguf(modelPath);
    }

    public void Dispose() => _imports.ForEach(import => import.Dispose());
}
