namespace InferenceHost.Text.Tokenization;

/// <summary>Kind of a vocabulary entry; numbers as in SentencePiece's model format and GGUF's <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenType
{
    /// <summary>Not set.</summary>
    Undefined = 0,

    /// <summary>A trained piece.</summary>
    Normal = 1,

    /// <summary>Stands for text that no piece covers.</summary>
    Unknown = 2,

    /// <summary>A control token: it has a meaning to the model and no text.</summary>
    Control = 3,

    /// <summary>Added by hand; always kept whole.</summary>
    UserDefined = 4,

    /// <summary>Never produced.</summary>
    Unused = 5,

    /// <summary>One byte, written <c>&lt;0xNN&gt;</c>.</summary>
    Byte = 6,
}
