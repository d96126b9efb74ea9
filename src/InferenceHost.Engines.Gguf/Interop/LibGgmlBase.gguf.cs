using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libggml-base, gguf.h.</summary>
internal static unsafe partial class LibGgmlBase
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint gguf_init_from_file(string fname, gguf_init_params @params);

    [LibraryImport(Library)]
    internal static partial void gguf_free(nint ctx);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial long gguf_find_key(GgufHandle ctx, string key);

    [LibraryImport(Library)]
    internal static partial int gguf_get_kv_type(GgufHandle ctx, long key_id);

    [LibraryImport(Library)]
    internal static partial byte* gguf_get_val_str(GgufHandle ctx, long key_id);

    [LibraryImport(Library)]
    internal static partial void* gguf_get_val_data(GgufHandle ctx, long key_id);

    [LibraryImport(Library)]
    internal static partial nuint gguf_get_data_offset(GgufHandle ctx);

    [LibraryImport(Library)]
    internal static partial long gguf_get_n_tensors(GgufHandle ctx);

    [LibraryImport(Library)]
    internal static partial byte* gguf_get_tensor_name(GgufHandle ctx, long tensor_id);

    [LibraryImport(Library)]
    internal static partial long* gguf_get_tensor_ne(GgufHandle ctx, long tensor_id);

    [LibraryImport(Library)]
    internal static partial int gguf_get_tensor_type(GgufHandle ctx, long tensor_id);

    [LibraryImport(Library)]
    internal static partial nuint gguf_get_tensor_offset(GgufHandle ctx, long tensor_id);

    [LibraryImport(Library)]
    internal static partial nuint gguf_get_tensor_size(GgufHandle ctx, long tensor_id);
}
