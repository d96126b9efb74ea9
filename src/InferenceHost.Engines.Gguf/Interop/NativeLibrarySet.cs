namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>The libraries in use.</summary>
/// <param name="Directory">Folder they were loaded from.</param>
/// <param name="LlamaVersion">What llama_version says.</param>
/// <param name="GgmlVersion">What ggml_version says.</param>
/// <param name="Commit">What ggml_commit says.</param>
internal sealed record NativeLibrarySet(string Directory, string LlamaVersion, string GgmlVersion, string Commit);
