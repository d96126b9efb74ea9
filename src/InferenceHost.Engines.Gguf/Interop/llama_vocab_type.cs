namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>llama.h, enum llama_vocab_type.</summary>
internal enum llama_vocab_type
{
    None = 0,
    SentencePieceByScore = 1,
    ByteLevelBpe = 2,
    WordPiece = 3,
    Unigram = 4,
    Rwkv = 5,
    Plamo2 = 6,
}
