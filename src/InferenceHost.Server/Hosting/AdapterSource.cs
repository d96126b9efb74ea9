namespace InferenceHost.Server.Hosting;

/// <summary>An adapter given at start: <c>--adapter NAME=PATH</c>.</summary>
/// <param name="Name">Name requests use.</param>
/// <param name="Path">GGUF LoRA file.</param>
public sealed record AdapterSource(string Name, string Path);
