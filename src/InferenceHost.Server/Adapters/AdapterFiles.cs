using System.Text.Json;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Adapters;

/// <summary>
/// The store on disk: files named by their content, and the names where they outlive the server. Everything is written under another name first, flushed
/// and renamed, so that a crash leaves the old or the new and never a part.
/// </summary>
internal sealed class AdapterFiles : IDisposable
{
    private readonly string _root;
    private readonly bool _isTemporary;
    private readonly Lock _gate = new();

    public AdapterFiles(ServerOptions options)
    {
        _isTemporary = options.StateDirectory is null;
        try
        {
            _root = options.StateDirectory is { } state
                ? Directory.CreateDirectory(Path.Combine(state, "adapters")).FullName
                : Directory.CreateTempSubdirectory("inferencehost-adapters-").FullName;
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

    private string FilesFolder => Path.Combine(_root, "files");

    private string IncomingFolder => Path.Combine(_root, "incoming");

    private string NamesPath => Path.Combine(_root, "names.json");

    /// <summary>A path for a file that is being received.</summary>
    public string NewIncoming() => Path.Combine(IncomingFolder, Guid.NewGuid().ToString("N") + ".part");

    /// <summary>Where a generation's file is.</summary>
    public string PathOf(string sha256) => Path.Combine(FilesFolder, sha256 + ".gguf");

    /// <summary>Keeps a received file under its hash; one that is there already stays. The received name is gone afterwards.</summary>
    public string Keep(string incoming, string sha256)
    {
        var path = PathOf(sha256);
        lock (_gate)
        {
            if (File.Exists(path))
                File.Delete(incoming);
            else
                File.Move(incoming, path);
        }
        return path;
    }

    /// <summary>Removes a generation's file.</summary>
    public void Forget(string sha256)
    {
        lock (_gate)
            File.Delete(PathOf(sha256));
    }

    /// <summary>Names that an earlier server left, with their generations; empty in a temporary store.</summary>
    public IReadOnlyDictionary<string, string> ReadNames()
    {
        if (_isTemporary || !File.Exists(NamesPath))
            return new Dictionary<string, string>();
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(NamesPath), AdapterNamesJson.Default.DictionaryStringString) ?? [];
        }
        catch (JsonException error)
        {
            throw new StartupException($"'{NamesPath}' is damaged: {error.Message}",
                "Remove the file (the names are lost, the adapters are not) and upload or assign them again.", StartupException.ModelExitCode, error);
        }
    }

    /// <summary>Writes the names, so that the next server has them; does nothing in a temporary store.</summary>
    public void WriteNames(IEnumerable<KeyValuePair<string, string>> names)
    {
        if (_isTemporary)
            return;
        lock (_gate)
        {
            var temporary = NamesPath + ".new";
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, new Dictionary<string, string>(names), AdapterNamesJson.Default.DictionaryStringString);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, NamesPath, overwrite: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isTemporary)
            return;
        try
        {
            Directory.Delete(_root, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The system empties its temporary folder.
        }
    }
}
