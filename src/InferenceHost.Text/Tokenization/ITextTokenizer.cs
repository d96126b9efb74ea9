namespace InferenceHost.Text.Tokenization;

/// <summary>Text to token ids and back. Safe for any number of threads.</summary>
public interface ITextTokenizer
{
    /// <summary>The entries.</summary>
    TokenVocabulary Vocabulary { get; }

    /// <summary>How tokens become text again.</summary>
    ITokenDecoder Decoder { get; }

    /// <summary>Appends the ids of plain text: no BOS or EOS, special tokens in it are not parsed.</summary>
    /// <param name="text">The text.</param>
    /// <param name="ids">Receives the ids; unchanged when the text is refused.</param>
    /// <param name="error">Why the text was refused (a lone surrogate), with its position.</param>
    bool TryEncode(string text, List<int> ids, out TokenizationError error);

    /// <summary>
    /// Appends the ids of a prompt made of template and message parts. The parts are joined before they are cut into tokens, so a token may cross their border as it
    /// would in the joined text; only special tokens split it, and only those within one template part. In message parts neither special tokens nor pieces that look like
    /// them are formed.
    /// </summary>
    /// <param name="segments">The parts in order.</param>
    /// <param name="addBosAndEos">Whether to add the BOS and EOS that the vocabulary asks for, unless the template has put the BOS there itself.</param>
    /// <param name="ids">Receives the ids; unchanged when a part is refused.</param>
    /// <param name="error">Why a part was refused (a lone surrogate), with its index and position.</param>
    bool TryEncode(ReadOnlySpan<TextSegment> segments, bool addBosAndEos, List<int> ids, out TokenizationError error);

    /// <summary>The text of whole output: whole characters, U+FFFD for bytes that are none, spaces as they are.</summary>
    string Decode(ReadOnlySpan<int> ids);
}
