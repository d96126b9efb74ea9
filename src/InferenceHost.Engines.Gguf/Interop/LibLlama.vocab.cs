using System.Runtime.InteropServices;

namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>libllama, llama.h: vocabulary. The vocabulary belongs to its model.</summary>
internal static unsafe partial class LibLlama
{
    [LibraryImport(Library)]
    internal static partial nint llama_model_get_vocab(LlamaModelHandle model);

    [LibraryImport(Library)]
    internal static partial llama_vocab_type llama_vocab_type(nint vocab);

    [LibraryImport(Library)]
    internal static partial int llama_vocab_n_tokens(nint vocab);

    [LibraryImport(Library)]
    internal static partial byte* llama_vocab_get_text(nint vocab, int token);

    [LibraryImport(Library)]
    internal static partial llama_token_attr llama_vocab_get_attr(nint vocab, int token);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_is_eog(nint vocab, int token);

    [LibraryImport(Library)]
    internal static partial int llama_vocab_bos(nint vocab);

    [LibraryImport(Library)]
    internal static partial int llama_vocab_eos(nint vocab);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_get_add_bos(nint vocab);

    [LibraryImport(Library)]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool llama_vocab_get_add_eos(nint vocab);

    [LibraryImport(Library)]
    internal static partial int llama_tokenize(
        nint vocab, byte* text, int text_len, int* tokens, int n_tokens_max,
        [MarshalAs(UnmanagedType.U1)] bool add_special, [MarshalAs(UnmanagedType.U1)] bool parse_special);

    [LibraryImport(Library)]
    internal static partial int llama_token_to_piece(
        nint vocab, int token, byte* buf, int length, int lstrip, [MarshalAs(UnmanagedType.U1)] bool special);
}
