namespace InferenceHost.ModelFiles.Catalogue;

/// <summary>The models of a folder: one JSON manifest beside each model file.</summary>
public sealed class ModelCatalogue
{
    private ModelCatalogue(IReadOnlyList<CatalogueEntry> entries, IReadOnlyList<ModelFileException> problems,
        IReadOnlyList<string> unlisted)
    {
        Entries = entries;
        Problems = problems;
        UnlistedFiles = unlisted;
    }

    /// <summary>Models with a sound manifest and a file, by name.</summary>
    public IReadOnlyList<CatalogueEntry> Entries { get; }

    /// <summary>What is wrong with the others. One bad manifest does not hide the rest.</summary>
    public IReadOnlyList<ModelFileException> Problems { get; }

    /// <summary>GGUF files in the folder itself that no manifest names.</summary>
    public IReadOnlyList<string> UnlistedFiles { get; }

    /// <summary>Reads all manifests (<c>*.json</c>) of a folder, not of folders below it. Hashes are not computed here.</summary>
    /// <exception cref="ModelFileException">The folder cannot be read.</exception>
    public static ModelCatalogue Scan(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var problems = new List<ModelFileException>();
        var entries = new SortedDictionary<string, CatalogueEntry>(StringComparer.OrdinalIgnoreCase);
        foreach (var path in Files(folder, "*.json"))
            AddEntry(path, entries, problems);
        var listed = entries.Values.Select(e => e.ModelPath).ToHashSet(StringComparer.Ordinal);
        var unlisted = Files(folder, "*.gguf").Where(path => !listed.Contains(path)).ToArray();
        return new ModelCatalogue([.. entries.Values], problems, unlisted);
    }

    /// <summary>The entry of a name, without regard to case; null where there is none.</summary>
    public CatalogueEntry? Find(string name) => Entries.FirstOrDefault(e =>
        e.Manifest.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The entry that names a model file; null where there is none.</summary>
    public CatalogueEntry? FindByPath(string modelPath)
    {
        var full = Path.GetFullPath(modelPath);
        return Entries.FirstOrDefault(e => e.ModelPath == full);
    }

    private static void AddEntry(string path, SortedDictionary<string, CatalogueEntry> entries, List<ModelFileException> problems)
    {
        try
        {
            var manifest = ManifestReader.Read(path);
            var entry = new CatalogueEntry(manifest, path, Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, manifest.File)));
            var missing = manifest.Adapters.Select(a => a.File).Prepend(manifest.File)
                .FirstOrDefault(f => !File.Exists(Path.Combine(Path.GetDirectoryName(path)!, f)));
            if (missing is not null)
                throw new ModelFileException(path, "file", $"no file '{missing}'", "a file beside the manifest",
                    "Copy the file, or remove it from the manifest.");
            if (!entries.TryAdd(manifest.Name, entry))
                throw new ModelFileException(path, "name",
                    $"'{manifest.Name}', as in {Path.GetFileName(entries[manifest.Name].ManifestPath)}", "a name of its own",
                    "Rename one of them.");
        }
        catch (ModelFileException problem)
        {
            problems.Add(problem);
        }
    }

    private static string[] Files(string folder, string pattern)
    {
        try
        {
            var files = Directory.GetFiles(Path.GetFullPath(folder), pattern);
            Array.Sort(files, StringComparer.Ordinal);
            return files;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(folder, "folder", error.Message, "a readable folder", "Check path and permissions.", null, error);
        }
    }
}
