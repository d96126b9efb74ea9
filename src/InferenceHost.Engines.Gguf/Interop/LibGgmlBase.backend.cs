using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libggml-base, ggml-backend.h.</summary>
internal static unsafe partial class LibGgmlBase
{
    [LibraryImport(Library)]
    internal static partial byte* ggml_backend_dev_name(nint device);

    [LibraryImport(Library)]
    internal static partial byte* ggml_backend_dev_description(nint device);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_dev_memory(nint device, nuint* free, nuint* total);

    [LibraryImport(Library)]
    internal static partial ggml_backend_dev_type ggml_backend_dev_type(nint device);

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_dev_backend_reg(nint device);

    [LibraryImport(Library)]
    internal static partial byte* ggml_backend_reg_name(nint reg);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint ggml_backend_reg_get_proc_address(nint reg, string name);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool ggml_backend_buffer_is_host(nint buffer);

    [LibraryImport(Library)]
    internal static partial byte* ggml_backend_buffer_name(nint buffer);

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_buffer_get_type(nint buffer);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_buffer_free(nint buffer);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_buffer_clear(nint buffer, byte value);

    [LibraryImport(Library)]
    internal static partial byte* ggml_backend_buft_name(nint buft);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool ggml_backend_buft_is_host(nint buft);

    [LibraryImport(Library)]
    internal static partial nint ggml_backend_buft_get_device(nint buft);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool ggml_backend_dev_supports_op(nint device, ggml_tensor* op);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_sched_set_eval_callback(nint sched, delegate* unmanaged[Cdecl]<ggml_tensor*, byte, void*, byte> callback, void* user_data);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_tensor_set(ggml_tensor* tensor, void* data, nuint offset, nuint size);

    [LibraryImport(Library)]
    internal static partial void ggml_backend_tensor_memset(ggml_tensor* tensor, byte value, nuint offset, nuint size);
}
