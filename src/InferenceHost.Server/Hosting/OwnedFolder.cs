namespace InferenceHost.Server.Hosting;

/// <summary>A folder that one server at a time has: a lock on a file in it says so, and ends with the process in whatever way that ends (flock(2)).</summary>
internal sealed class OwnedFolder : IDisposable
{
    private const string LockName = "owner.lock";

    // Between making the file and locking it, another server must not take the folder for one that was left behind.
    private static readonly TimeSpan s_youth = TimeSpan.FromMinutes(1);

    private readonly FileStream _lock;
    private readonly bool _isTemporary;

    private OwnedFolder(string path, FileStream owner, bool isTemporary) => (Path, _lock, _isTemporary) = (path, owner, isTemporary);

    /// <summary>Path of the folder.</summary>
    public string Path { get; }

    /// <summary>A new private folder (mode 0700) in the system's temporary folder, removed at the end. Removes those of servers that could not do that any more.</summary>
    /// <param name="prefix">What the names of such folders begin with.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static OwnedFolder CreateTemporary(string prefix)
    {
        RemoveAbandoned(System.IO.Path.GetTempPath(), prefix);
        var path = Directory.CreateTempSubdirectory(prefix).FullName;
        return new OwnedFolder(path, Lock(path), isTemporary: true);
    }

    /// <summary>A folder that stays, made where it does not exist.</summary>
    /// <exception cref="IOException">It cannot be made, or another process has it.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public static OwnedFolder Open(string path)
    {
        path = Directory.CreateDirectory(path).FullName;
        return new OwnedFolder(path, Lock(path), isTemporary: false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isTemporary)
            Remove(Path);
        _lock.Dispose();
    }

    internal static void RemoveAbandoned(string parent, string prefix)
    {
        foreach (var folder in new DirectoryInfo(parent).EnumerateDirectories(prefix + "*"))
        {
            try
            {
                var owner = new FileInfo(System.IO.Path.Combine(folder.FullName, LockName));
                if (!owner.Exists || DateTime.UtcNow - owner.LastWriteTimeUtc < s_youth)
                    continue;
                using (Lock(folder.FullName))
                    Remove(folder.FullName);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Somebody has it, or it is another user's.
            }
        }
    }

    private static FileStream Lock(string folder) => new(System.IO.Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next server tries again, and the system empties its temporary folder.
        }
    }
}
