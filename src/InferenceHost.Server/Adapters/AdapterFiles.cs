using System.Globalization;
using System.Text.Json;
using InferenceHost.ModelFiles;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Adapters;

/// <summary>
/// The store on disk: files named by their content, and the names where they outlive the server. Everything is written under another name first, flushed
/// and renamed, so that a crash leaves the old or the new and never a part. One server at a time has a folder.
/// What changes names and files is guarded by the <see cref="AdapterStore"/>.
/// </summary>
internal sealed class AdapterFiles : IDisposable
{
    private readonly OwnedFolder _root;
    private readonly bool _isTemporary;
    private readonly long _budgetBytes;

    public AdapterFiles(ServerOptions options)
    {
        _isTemporary = options.StateDirectory is null;
        _budgetBytes = options.AdapterDiskBytes;
        try
        {
            _root = options.StateDirectory is { } state ? Own(Path.Combine(state, "adapters")) : OwnedFolder.CreateTemporary("inferencehost-adapters-");
            Directory.CreateDirectory(FilesFolder);
            // What an earlier server left unfinished.
            if (Directory.Exists(IncomingFolder))
                Directory.Delete(IncomingFolder, recursive: true);
            Directory.CreateDirectory(IncomingFolder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"the folder for adapters cannot be made: {error.Message}",
                "Name a folder that can be written with --state-dir PATH.", StartupException.ModelExitCode, error);
        }
    }

    private string FilesFolder => Path.Combine(_root.Path, "files");

    private string IncomingFolder => Path.Combine(_root.Path, "incoming");

    private string NamesPath => Path.Combine(_root.Path, "names.json");

    /// <summary>A path for a file that is being received.</summary>
    public string NewIncoming() => Path.Combine(IncomingFolder, Guid.NewGuid().ToString("N") + ".part");

    /// <summary>Where a generation's file is.</summary>
    public string PathOf(string sha256) => Path.Combine(FilesFolder, sha256 + ".gguf");

    /// <summary>Keeps a received file under its hash, in place of what may lie there: that can be damaged. The received name is gone afterwards.</summary>
    /// <param name="incoming">The received file.</param>
    /// <param name="sha256">Its hash.</param>
    /// <param name="isHeld">Whether a generation has a name, for this model or another, or a request; files of others go where their room is needed.</param>
    /// <exception cref="RefusalException">It does not fit beside the files that are held.</exception>
    public string Keep(string incoming, string sha256, Func<string, bool> isHeld)
    {
        if (!Has(sha256))
        {
            var bytes = new FileInfo(incoming).Length;
            RequireRoom(bytes, isHeld);
            Trim(_budgetBytes - bytes, isHeld);
        }
        var path = PathOf(sha256);
        File.Move(incoming, path, overwrite: true);
        return path;
    }

    /// <summary>Whether a generation's file is there.</summary>
    public bool Has(string sha256) => File.Exists(PathOf(sha256));

    /// <summary>Refuses a generation's file that has another content than its name says.</summary>
    /// <exception cref="ModelFileException">It has, or cannot be read.</exception>
    public void Verify(string sha256)
    {
        var path = PathOf(sha256);
        if (ContentHash.Compute(path) is var found && found != sha256)
            throw new ModelFileException(path, "SHA-256", found, sha256, "The file was changed or damaged; upload the adapter again.");
    }

    /// <summary>Refuses a file of so many bytes where it does not fit beside those that are held.</summary>
    /// <exception cref="RefusalException">It does not.</exception>
    public void RequireRoom(long bytes, Func<string, bool> isHeld)
    {
        var held = All().Where(file => isHeld(HashOf(file))).Sum(file => file.Length);
        if (held + bytes > _budgetBytes)
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "ADAPTER_DISK_FULL", string.Create(CultureInfo.InvariantCulture,
                $"the file has {bytes} bytes and the adapters with names (those of other models too) {held}, more than --adapter-disk {_budgetBytes} together; remove some, or serve with more")));
    }

    /// <summary>A generation's file is no longer held and stays: it counts as used now.</summary>
    public void Touch(string sha256)
    {
        if (Has(sha256))
            File.SetLastWriteTimeUtc(PathOf(sha256), DateTime.UtcNow);
    }

    /// <summary>Removes a generation's file.</summary>
    public void Forget(string sha256) => File.Delete(PathOf(sha256));

    /// <summary>Names that an earlier server left, each with the generations it has for one base model or another; empty in a temporary store.</summary>
    public IReadOnlyDictionary<string, string[]> ReadNames()
    {
        if (_isTemporary || !File.Exists(NamesPath))
            return new Dictionary<string, string[]>();
        try
        {
            var names = JsonSerializer.Deserialize(File.ReadAllBytes(NamesPath), AdapterNamesJson.Default.DictionaryStringStringArray) ?? throw new JsonException("null where names are expected");
            foreach (var (name, generations) in names)
            {
                if (!AdapterNames.IsValid(name))
                    throw new JsonException($"'{name}' is no name: {AdapterNames.Rule}");
                // Null where the text says so: a converter is not asked then.
                if (generations is null || generations.Length == 0 || !generations.All(ContentHash.IsSha256))
                    throw new JsonException($"what '{name}' points to is no SHA-256");
            }
            return names;
        }
        catch (JsonException error)
        {
            throw new StartupException($"'{NamesPath}' is damaged: {error.Message}",
                "Remove the file (the names are lost, the adapters are not) and assign the names again to the hashes in the folder 'files' beside it, or upload the adapters again.", StartupException.ModelExitCode, error);
        }
    }

    /// <summary>Writes the names, so that the next server has them; does nothing in a temporary store.</summary>
    public void WriteNames(Dictionary<string, string[]> names)
    {
        if (_isTemporary)
            return;
        var temporary = NamesPath + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(stream, names, AdapterNamesJson.Default.DictionaryStringStringArray);
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, NamesPath, overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    // Removes files that nobody holds, those unused for longest first, until all together have at most so many bytes or none is left.
    private void Trim(long bytes, Func<string, bool> isHeld)
    {
        var files = All();
        var excess = files.Sum(file => file.Length) - bytes;
        foreach (var file in files.OrderBy(file => file.LastWriteTimeUtc))
        {
            if (excess <= 0)
                return;
            if (isHeld(HashOf(file)))
                continue;
            excess -= file.Length;
            file.Delete();
        }
    }

    private FileInfo[] All() => new DirectoryInfo(FilesFolder).GetFiles();

    private static string HashOf(FileInfo file) => Path.GetFileNameWithoutExtension(file.Name);

    private static OwnedFolder Own(string path)
    {
        Directory.CreateDirectory(path);
        try
        {
            return OwnedFolder.Open(path);
        }
        catch (IOException error)
        {
            throw new StartupException($"'{path}' cannot be had by this server: {error.Message}",
                "End the server that has it, or name another folder with --state-dir PATH.", StartupException.ModelExitCode, error);
        }
    }
}
