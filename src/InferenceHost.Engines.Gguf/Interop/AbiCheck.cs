using System.Runtime.InteropServices;
using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>
/// Compares our structs with the loaded libraries before anything is called that could go wrong silently. A struct of another layout would
/// show in its defaults: fields of known value lie at the front, in the middle and at the end of each.
/// </summary>
internal static unsafe class AbiCheck
{
    private const string ExpectedVersion = "0.5.0";

    internal static NativeLibrarySet Verify(string directory)
    {
        var set = new NativeLibrarySet(directory, Text(LibLlama.llama_version()), Text(LibGgmlBase.ggml_version()), Text(LibGgmlBase.ggml_commit()));
        var faults = new List<string>();
        if (!set.LlamaVersion.TrimStart('v').StartsWith(ExpectedVersion, StringComparison.Ordinal))
            faults.Add($"llama.cpp is version {set.LlamaVersion}, this program is made for {ExpectedVersion}");
        var tensor = (int)LibGgmlBase.ggml_tensor_overhead() - 32;
        if (tensor != sizeof(ggml_tensor))
            faults.Add($"ggml_tensor has {tensor} bytes, expected {sizeof(ggml_tensor)}");
        var model = LibLlama.llama_model_default_params();
        if (model.n_gpu_layers != -1 || model.load_mode != -1 || model.lazy_mode != 1 || model.progress_callback != null || model.use_extra_bufts != 1 || model.load_mtp != 0)
            faults.Add("llama_model_params has another layout");
        var context = LibLlama.llama_context_default_params();
        if (context.n_ctx != 512 || context.n_batch != 2048 || context.n_ubatch != 512 || context.n_seq_max != 1 || context.flash_attn_type != -1
            || context.defrag_thold != -1 || context.type_k != (int)ggml_type.F16 || context.type_v != (int)ggml_type.F16 || context.offload_kqv != 1
            || context.swa_full != 1 || context.kv_unified != 0 || context.ctx_other != 0)
            faults.Add("llama_context_params has another layout");
        var pool = LibGgmlBase.ggml_threadpool_params_default(7);
        if (pool.n_threads != 7 || pool.poll != 50 || pool.strict_cpu != 0 || pool.paused != 0)
            faults.Add("ggml_threadpool_params has another layout");
        return faults.Count == 0
            ? set
            : throw new EngineException($"the native libraries in {directory} do not fit this program: {string.Join("; ", faults)}. Restore the pinned ones (see native/README.md)");
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
