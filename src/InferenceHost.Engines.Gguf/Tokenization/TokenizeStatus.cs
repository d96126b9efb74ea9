namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>How a call to the tokenizer ended.</summary>
public enum TokenizeStatus
{
    /// <summary>All tokens are there.</summary>
    Completed,

    /// <summary>The text has more tokens than the caller's limit; it was not tokenised to its end.</summary>
    TooLong,

    /// <summary>The text is no valid Unicode.</summary>
    InvalidText,

    /// <summary>The tokenizer cannot represent the text.</summary>
    Failed,
}
