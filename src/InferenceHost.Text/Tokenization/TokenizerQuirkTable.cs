namespace InferenceHost.Text.Tokenization;

/// <summary>Knows which vocabularies libllama needs help with.</summary>
public static class TokenizerQuirkTable
{
    /// <summary>The quirks of a vocabulary.</summary>
    /// <param name="tokenizerModel">What the model file calls its tokenizer (GGUF: <c>tokenizer.ggml.model</c>).</param>
    /// <param name="vocabulary">Scores, types and settings.</param>
    public static TokenizerQuirks Of(string tokenizerModel, TokenVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(tokenizerModel);
        ArgumentNullException.ThrowIfNull(vocabulary);
        if (tokenizerModel == "plamo2")
            return vocabulary.Settings is { AddBos: true, BosId: not null } ? TokenizerQuirks.BosMissing : TokenizerQuirks.None;
        return tokenizerModel == "llama" && UnigramDetector.Detect(tokenizerModel, vocabulary).IsUnigram
            ? TokenizerQuirks.UnigramNamedLlama
            : TokenizerQuirks.None;
    }
}
