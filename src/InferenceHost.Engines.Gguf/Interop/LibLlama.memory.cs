using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libllama, llama.h: KV memory. The memory belongs to its context.</summary>
internal static unsafe partial class LibLlama
{
    [LibraryImport(Library)]
    internal static partial nint llama_get_memory(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial void llama_memory_clear(nint mem, [MarshalAs(UnmanagedType.U1)] bool data);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_memory_seq_rm(nint mem, int seq_id, int p0, int p1);

    [LibraryImport(Library)]
    internal static partial void llama_memory_seq_cp(nint mem, int seq_id_src, int seq_id_dst, int p0, int p1);

    [LibraryImport(Library)]
    internal static partial int llama_memory_seq_pos_min(nint mem, int seq_id);

    [LibraryImport(Library)]
    internal static partial int llama_memory_seq_pos_max(nint mem, int seq_id);

    [LibraryImport(Library)]
    internal static partial nuint llama_state_seq_get_size(LlamaContextHandle ctx, int seq_id);

    [LibraryImport(Library)]
    internal static partial nuint llama_state_seq_get_data(LlamaContextHandle ctx, byte* dst, nuint size, int seq_id);

    [LibraryImport(Library)]
    internal static partial nuint llama_state_seq_set_data(LlamaContextHandle ctx, byte* src, nuint size, int dest_seq_id);
}
