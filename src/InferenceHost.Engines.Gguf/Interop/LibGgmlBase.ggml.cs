using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libggml-base, ggml.h.</summary>
internal static unsafe partial class LibGgmlBase
{
    private const string Library = "ggml-base";

    [LibraryImport(Library)]
    internal static partial byte* ggml_version();

    [LibraryImport(Library)]
    internal static partial byte* ggml_commit();

    [LibraryImport(Library)]
    internal static partial nuint ggml_tensor_overhead();

    [LibraryImport(Library)]
    internal static partial byte* ggml_op_name(int op);

    [LibraryImport(Library)]
    internal static partial byte* ggml_type_name(int type);

    [LibraryImport(Library)]
    internal static partial nint ggml_init(ggml_init_params parameters);

    [LibraryImport(Library)]
    internal static partial void ggml_free(nint ctx);

    [LibraryImport(Library)]
    internal static partial ggml_tensor* ggml_new_tensor_3d(nint ctx, ggml_type type, long ne0, long ne1, long ne2);

    [LibraryImport(Library)]
    internal static partial ggml_threadpool_params ggml_threadpool_params_default(int n_threads);

    [LibraryImport(Library)]
    internal static partial void ggml_log_set(delegate* unmanaged[Cdecl]<int, byte*, void*, void> log_callback, void* user_data);
}
