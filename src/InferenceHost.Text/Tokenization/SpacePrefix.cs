namespace InferenceHost.Text.Tokenization;

/// <summary>Where a space is put before text, so that a word has the same piece at the beginning as inside of a text.</summary>
public enum SpacePrefix
{
    /// <summary>Nowhere (<c>add_dummy_prefix = false</c>).</summary>
    Never,

    /// <summary>Only where the whole text begins (Hugging Face's prepend scheme <c>first</c>).</summary>
    First,

    /// <summary>
    /// At the beginning and after every special token: each stretch between special tokens is a text of its own, which is how SentencePiece is called
    /// for it (Hugging Face's prepend scheme <c>always</c>, llama.cpp's <c>add_space_prefix</c>).
    /// </summary>
    EveryText,
}
