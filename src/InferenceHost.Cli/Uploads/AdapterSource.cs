namespace InferenceHost.Cli.Uploads;

/// <summary>An adapter as a user has it: a GGUF file, sent as it is.</summary>
internal sealed class AdapterSource : IDisposable
{
    private readonly string _path;

    private AdapterSource(string path) => _path = path;

    /// <exception cref="CliException">There is no such file.</exception>
    public static AdapterSource Open(string path) =>
        File.Exists(path) ? new AdapterSource(path) : throw new CliException(ExitCode.NotFound, $"there is no file {path}.");

    /// <summary>Path of the GGUF file to send.</summary>
    public string Prepare(IProgress<(string, double)> progress, CancellationToken cancellationToken)
    {
        progress.Report(("reading", 0));
        return _path;
    }

    public void Dispose()
    {
    }
}
