using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Catalogue;

namespace InferenceHost.Cli.Files;

/// <summary>The models that come with this executable, and manifests of files anywhere.</summary>
internal static class ModelFolder
{
    /// <summary>The folder <c>models</c> beside the executable or in a folder above it; null where there is none.</summary>
    public static string? Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "models");
            if (Directory.Exists(candidate) && Directory.EnumerateFiles(candidate, "*.gguf").Any())
                return candidate;
        }
        return null;
    }

    /// <summary>A model of that folder by its name; null where there is none.</summary>
    public static CatalogueEntry? Find(string name) => Find() is { } folder ? Scan(folder)?.Find(name) : null;

    /// <summary>The first model of that folder: what <c>serve</c> takes where nothing is named.</summary>
    public static string? DefaultModel() => Find() is { } folder && Scan(folder) is { Entries: [var first, ..] } ? first.ModelPath : null;

    /// <summary>What a manifest beside a model, or beside the model it belongs to, says about a file; null where none names it.</summary>
    public static (ModelManifest Model, string Sha256)? ManifestOf(string path)
    {
        string full = Path.GetFullPath(path);
        for (DirectoryInfo? folder = Directory.GetParent(full); folder is not null; folder = folder.Parent)
        {
            foreach (CatalogueEntry entry in Scan(folder.FullName)?.Entries ?? [])
            {
                if (entry.ModelPath == full)
                    return (entry.Manifest, entry.Manifest.Sha256);
                if (entry.Manifest.Adapters.FirstOrDefault(adapter => entry.PathOf(adapter) == full) is { } adapter)
                    return (entry.Manifest, adapter.Sha256);
            }
            // Adapters lie one folder below their model, never deeper.
            if (folder.FullName != Path.GetDirectoryName(full))
                break;
        }
        return null;
    }

    private static ModelCatalogue? Scan(string folder)
    {
        try
        {
            return ModelCatalogue.Scan(folder);
        }
        catch (ModelFileException)
        {
            return null;
        }
    }
}
