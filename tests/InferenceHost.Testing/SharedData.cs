using System.Runtime.CompilerServices;

namespace InferenceHost.Testing;

/// <summary>The one way for a test to reach the golden data that lies beside the repository in <c>../shared/data</c>.</summary>
public static class SharedData
{
    /// <summary>Root of the repository, found from the place of this source file.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    private static readonly string Root =
        Environment.GetEnvironmentVariable("INFERENCEHOST_SHARED") is { Length: > 0 } set
            ? Path.Combine(set, "data")
            : Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared", "data"));

    /// <summary>Absolute path of a file or folder of the golden data; the calling test is skipped with the path as its reason where it is absent.</summary>
    public static string Require(string relativePath)
    {
        var path = Path.Combine(Root, relativePath);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"golden data '{relativePath}' is not at {Root}");
        return path;
    }

    /// <summary>Whether the golden data is there at all; for theory data that must not throw.</summary>
    public static bool Exists(string relativePath) => File.Exists(Path.Combine(Root, relativePath)) || Directory.Exists(Path.Combine(Root, relativePath));

    /// <summary>The default model of the repository (always there).</summary>
    public static string DefaultModel { get; } = Path.Combine(RepositoryRoot, "models", "SmolLM2-135M-Instruct.IQ4_NL.gguf");

    private static string FindRepositoryRoot([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
