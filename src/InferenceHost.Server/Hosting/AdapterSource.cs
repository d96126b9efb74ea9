namespace InferenceHost.Server.Hosting;

/// <summary>An adapter given at start: <c>--adapter NAME=PATH</c>.</summary>
/// <param name="Name">Name requests use.</param>
/// <param name="Path">GGUF LoRA file.</param>
public sealed record AdapterSource(string Name, string Path)
{
    /// <summary>Whether the file was made for this start: the server removes it once it has a copy.</summary>
    public bool IsTemporary { get; init; }
}
