using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libggml: the registry of backends and devices (ggml-backend.h).</summary>
internal static partial class LibGgml
{
    private const string Library = "ggml";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void ggml_backend_load_all_from_path(string dir_path);

    [LibraryImport(Library)]
    internal static partial nuint ggml_backend_dev_count();

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_dev_get(nuint index);

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_dev_by_type(ggml_backend_dev_type type);
}
