using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libllama, llama.h: process, model and context.</summary>
internal static unsafe partial class LibLlama
{
    /// <summary>llama_context::get_sched() const. Not in llama.h: looked for by name, and done without where it is not exported.</summary>
    internal const string GetScheduler = "_ZNK13llama_context9get_schedEv";

    private const string Library = "llama";

    [LibraryImport(Library)]
    internal static partial byte* llama_version();

    [LibraryImport(Library)]
    internal static partial void llama_log_set(delegate* unmanaged[Cdecl]<int, byte*, void*, void> log_callback, void* user_data);

    [LibraryImport(Library)]
    internal static partial void llama_backend_init();

    [LibraryImport(Library)]
    internal static partial nuint llama_max_parallel_sequences();

    [LibraryImport(Library)]
    internal static partial llama_model_params llama_model_default_params();

    [LibraryImport(Library)]
    internal static partial llama_context_params llama_context_default_params();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint llama_model_load_from_file(string path_model, llama_model_params @params);

    [LibraryImport(Library)]
    internal static partial void llama_model_free(nint model);

    [LibraryImport(Library)]
    internal static partial nint llama_init_from_model(LlamaModelHandle model, llama_context_params @params);

    [LibraryImport(Library)]
    internal static partial void llama_free(nint ctx);

    [LibraryImport(Library)]
    internal static partial uint llama_n_ctx(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial uint llama_n_batch(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial int llama_model_n_ctx_train(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial int llama_model_n_layer(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial int llama_model_n_swa(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial int llama_model_desc(LlamaModelHandle model, byte* buf, nuint buf_size);

    [LibraryImport(Library)]
    internal static partial ulong llama_model_size(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial ulong llama_model_n_params(LlamaModelHandle model);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_has_encoder(LlamaModelHandle model);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_has_decoder(LlamaModelHandle model);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_recurrent(LlamaModelHandle model);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_hybrid(LlamaModelHandle model);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_model_is_diffusion(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial void llama_attach_threadpool(LlamaContextHandle ctx, GgmlThreadpoolHandle threadpool, GgmlThreadpoolHandle threadpool_batch);

    [LibraryImport(Library, EntryPoint = GetScheduler)]
    internal static partial nint llama_context_get_sched(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial int llama_decode(LlamaContextHandle ctx, llama_batch batch);

    [LibraryImport(Library)]
    internal static partial void llama_synchronize(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial float* llama_get_logits(LlamaContextHandle ctx);

    [LibraryImport(Library)]
    internal static partial float* llama_get_logits_ith(LlamaContextHandle ctx, int i);
}
