using InferenceHost.Server.Hosting;

namespace InferenceHost.Cli.Files;

/// <summary>The adapters of one <c>serve</c>; temporary files of PEFT folders that the server did not come to copy are removed at its end.</summary>
/// <param name="modelPath">The base model; null where it is not known before the server starts.</param>
internal sealed class ImportedAdapters(string? modelPath) : IDisposable
{
    private readonly List<AdapterImport> _imports = [];

    /// <summary>An adapter as a GGUF file. A path that does not exist is left to the server, which names all such options at once.</summary>
    public AdapterSource Import(string name, string path)
    {
        if (!Directory.Exists(path))
            return new AdapterSource(name, path);
        AdapterImport import = AdapterImport.Open(path);
        _imports.Add(import);
        return new AdapterSource(name, import.ToGguf(modelPath)) { IsTemporary = true };
    }

    public void Dispose() => _imports.ForEach(import => import.Dispose());
}
