namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>The libraries in use.</summary>
/// <param name="Directory">Folder they were loaded from.</param>
/// <param name="LlamaVersion">What llama_version says.</param>
/// <param name="GgmlVersion">What ggml_version says.</param>
/// <param name="Commit">What ggml_commit says.</param>
internal sealed record NativeLibrarySet(string Directory, string LlamaVersion, string GgmlVersion, string Commit)
{
    /// <summary>Why the folder's CUDA backend has no device; null where it has one, or the folder has no such backend.</summary>
    public string? CudaFault { get; init; }

    /// <summary>Whether libllama exports what gives a context's scheduler.</summary>
    public bool ShowsScheduler { get; init; }
}
