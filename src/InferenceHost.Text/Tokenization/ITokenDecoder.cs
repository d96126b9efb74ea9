namespace InferenceHost.Text.Tokenization;

/// <summary>Turns tokens back into text. Safe for any number of threads.</summary>
public interface ITokenDecoder
{
    /// <summary>Bytes that a token adds to a text; not always whole characters. Empty for control tokens and ids outside the vocabulary.</summary>
    ReadOnlySpan<byte> Bytes(int id);

    /// <summary>Whether a leading space of the first token was put there by the tokenizer and does not belong to the text.</summary>
    bool StripsLeadingSpace { get; }
}
