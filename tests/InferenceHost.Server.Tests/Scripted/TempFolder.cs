namespace InferenceHost.Server.Tests.Scripted;

/// <summary>A folder that goes away.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ih-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
