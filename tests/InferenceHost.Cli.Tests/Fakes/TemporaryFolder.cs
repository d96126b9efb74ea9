using System.Text;

namespace InferenceHost.Cli.Tests.Fakes;

/// <summary>A copy of a folder that goes away with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder(string source)
    {
        Path = Directory.CreateTempSubdirectory("inferencehost-").FullName;
        foreach (string file in Directory.EnumerateFiles(source))
            File.WriteAllBytes(System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)), File.ReadAllBytes(file));
    }

    public string Path { get; }

    /// <summary>Puts text in the place of other text, which must be there; of the same length where the file counts its bytes.</summary>
    public void Replace(string name, string from, string to)
    {
        string file = System.IO.Path.Combine(Path, name);
        string text = Encoding.Latin1.GetString(File.ReadAllBytes(file));
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllBytes(file, Encoding.Latin1.GetBytes(text.Replace(from, to, StringComparison.Ordinal)));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
