using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libggml-base, ggml-alloc.h.</summary>
internal static partial class LibGgmlBase
{
    [LibraryImport(Library)]
    internal static partial nuint ggml_backend_alloc_ctx_tensors_from_buft_size(nint ctx, nint buft);

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_alloc_ctx_tensors_from_buft(nint ctx, nint buft);
}
