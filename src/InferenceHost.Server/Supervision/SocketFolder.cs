using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Supervision;

/// <summary>The private folder of the sockets between server and engine processes; removed at the end.</summary>
internal sealed class SocketFolder : IDisposable
{
    // sockaddr_un.sun_path on Linux holds 108 bytes with the terminating zero.
    private const int MaxSocketPathBytes = 107;
    private readonly OwnedFolder _folder;
    private int _sockets;

    public SocketFolder()
    {
        try
        {
            _folder = OwnedFolder.CreateTemporary("inferencehost-sockets-");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"no temporary folder can be made: {error.Message}", "Set TMPDIR to a folder that can be written.",
                StartupException.EngineExitCode, error);
        }
        if (System.Text.Encoding.UTF8.GetByteCount(Path) + 12 > MaxSocketPathBytes)
        {
            Dispose();
            throw new StartupException($"the temporary folder '{Path}' is too long a name for a socket (at most {MaxSocketPathBytes} bytes)",
                "Set TMPDIR to a shorter path.", StartupException.EngineExitCode);
        }
    }

    /// <summary>Path of the folder.</summary>
    public string Path => _folder.Path;

    /// <summary>A path for the next socket.</summary>
    public string NextSocketPath() => System.IO.Path.Combine(Path, $"e{Interlocked.Increment(ref _sockets)}.sock");

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
