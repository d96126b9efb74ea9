namespace InferenceHost.ModelFiles.Catalogue;

/// <summary>A model of the catalogue, with the places of its files.</summary>
/// <param name="Manifest">What the manifest says.</param>
/// <param name="ManifestPath">Absolute path of the manifest.</param>
/// <param name="ModelPath">Absolute path of the model.</param>
public sealed record CatalogueEntry(ModelManifest Manifest, string ManifestPath, string ModelPath)
{
    /// <summary>Absolute path of one of its adapters.</summary>
    public string PathOf(AdapterManifest adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return Path.Combine(Path.GetDirectoryName(ManifestPath)!, adapter.File);
    }

    /// <summary>Compares the model's hash with the manifest's.</summary>
    /// <param name="progress">Told the bytes hashed so far.</param>
    /// <param name="cancel">Checked once per MiB.</param>
    /// <exception cref="ModelFileException">The hash differs (both are named), or the file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task VerifyAsync(IProgress<long>? progress = null, CancellationToken cancel = default) =>
        VerifyAsync(ModelPath, Manifest.Sha256, progress, cancel);

    /// <summary>Compares an adapter's hash, and the model it was made for, with the manifest.</summary>
    /// <exception cref="ModelFileException">A hash differs (both are named), or the file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Task VerifyAsync(AdapterManifest adapter, IProgress<long>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        if (adapter.BaseSha256 != Manifest.Sha256)
            throw new ModelFileException(ManifestPath, $"adapters: {adapter.Name}: baseSha256", adapter.BaseSha256,
                $"{Manifest.Sha256}, the hash of {Manifest.Name}", "The adapter was made for another version of the model.");
        return VerifyAsync(PathOf(adapter), adapter.Sha256, progress, cancel);
    }

    private static async Task VerifyAsync(string path, string expected, IProgress<long>? progress, CancellationToken cancel)
    {
        var actual = await ContentHash.ComputeAsync(path, progress, cancel).ConfigureAwait(false);
        if (actual != expected)
            throw new ModelFileException(path, "sha256", actual, $"{expected}, as the manifest says",
                "The file was changed or damaged; copy it again.");
    }
}
