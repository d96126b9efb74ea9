namespace InferenceHost.ModelFiles.Models;

/// <summary>How a vocabulary is meant to be applied to text.</summary>
public enum TokenizerKind
{
    /// <summary>Byte-level byte-pair encoding with a merge list (GPT-2, Llama 3, Qwen …).</summary>
    ByteLevelBpe,

    /// <summary>SentencePiece byte-pair encoding: pairs merged by score (Llama 2, Gemma …).</summary>
    SentencePieceBpe,

    /// <summary>
    /// SentencePiece Unigram: the most probable segmentation. Files of this kind call themselves <c>llama</c>, and libllama tokenises them
    /// wrongly.
    /// </summary>
    Unigram,

    /// <summary>Byte-pair encoding over SentencePiece text (Gemma 4).</summary>
    SentencePieceMerges,

    /// <summary>WordPiece.</summary>
    WordPiece,

    /// <summary>The World tokenizer of RWKV.</summary>
    Rwkv,

    /// <summary>PLaMo 2.</summary>
    Plamo2,

    /// <summary>Another one that the engine knows.</summary>
    Other,
}
