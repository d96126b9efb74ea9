using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace InferenceHost.NativeProbe;

/// <summary>The few functions of libllama v0.5.0 that a probe needs, C names verbatim.</summary>
internal static unsafe partial class Native
{
    private const string Llama = "llama";
    private const string Ggml = "ggml";

    /// <summary>Loads the libraries of one folder in the order they depend on each other.</summary>
    public static void LoadFrom(string folder)
    {
        NativeLibrary.Load(Path.Combine(folder, "libggml-base.so"));
        var ggml = NativeLibrary.Load(Directory.GetFiles(folder, "libggml.v*.so").Single());
        var llama = NativeLibrary.Load(Directory.GetFiles(folder, "libllama.v*.so").Single());
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, _, _) => name == Ggml ? ggml : llama);
        llama_log_set(&Log, null);
        ggml_backend_load_all_from_path(folder);
    }

    [LibraryImport(Ggml, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void ggml_backend_load_all_from_path(string dir);

    [LibraryImport(Llama)]
    public static partial void llama_log_set(delegate* unmanaged<int, byte*, void*, void> callback, void* data);

    [LibraryImport(Llama)]
    public static partial ModelParams llama_model_default_params();

    [LibraryImport(Llama)]
    public static partial ContextParams llama_context_default_params();

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint llama_model_load_from_file(string path, ModelParams parameters);

    [LibraryImport(Llama)]
    public static partial void llama_model_free(nint model);

    [LibraryImport(Llama)]
    public static partial nint llama_init_from_model(nint model, ContextParams parameters);

    [LibraryImport(Llama)]
    public static partial void llama_free(nint context);

    [LibraryImport(Llama)]
    public static partial nint llama_model_get_vocab(nint model);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_n_tokens(nint vocab);

    [LibraryImport(Llama)]
    public static partial byte llama_vocab_is_eog(nint vocab, int token);

    [LibraryImport(Llama)]
    public static partial int llama_tokenize(nint vocab, byte* text, int length, int* tokens, int max, byte addSpecial, byte parseSpecial);

    [LibraryImport(Llama)]
    public static partial int llama_token_to_piece(nint vocab, int token, byte* buffer, int length, int strip, byte special);

    [LibraryImport(Llama)]
    public static partial Batch llama_batch_get_one(int* tokens, int count);

    [LibraryImport(Llama)]
    public static partial int llama_decode(nint context, Batch batch);

    [LibraryImport(Llama)]
    public static partial float* llama_get_logits_ith(nint context, int index);

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint llama_adapter_lora_init(nint model, string path);

    [LibraryImport(Llama)]
    public static partial void llama_adapter_lora_free(nint adapter);

    [LibraryImport(Llama)]
    public static partial int llama_set_adapters_lora(nint context, nint* adapters, nuint count, float* scales);

    [UnmanagedCallersOnly]
    private static void Log(int level, byte* text, void* data)
    {
        // Errors only (4); they explain a refusal to whoever started the probe.
        if (level == 4)
            Console.Error.Write(Marshal.PtrToStringUTF8((nint)text));
    }

    /// <summary>80 bytes; only the fields that a probe changes are named.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    internal struct ModelParams
    {
        [FieldOffset(16)]
        public int GpuLayers;
    }

    /// <summary>160 bytes; only the fields that a probe changes are named.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 160)]
    internal struct ContextParams
    {
        [FieldOffset(0)]
        public uint Context;

        [FieldOffset(4)]
        public uint Batch;

        [FieldOffset(8)]
        public uint MicroBatch;

        [FieldOffset(28)]
        public int Threads;

        [FieldOffset(32)]
        public int ThreadsBatch;
    }

    /// <summary>56 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 56)]
    internal struct Batch
    {
        public int Count;
        public int* Tokens;
        public float* Embeddings;
        public int* Positions;
        public int* SequenceCounts;
        public int** Sequences;
        public byte* Output;
    }
}
