using System.Globalization;

namespace InferenceHost.Text.Tokenization;

/// <summary>
/// Tells Unigram vocabularies from SentencePiece's merge (BPE) ones. GGUF calls both <c>llama</c>, so the scores have to tell: a BPE trainer numbers its merges 0, -1, -2, …; a Unigram
/// trainer writes log-probabilities, of which hardly one is a whole number.
/// </summary>
public static class UnigramDetector
{
    private const int LeastPieces = 16;

    /// <summary>Judges a vocabulary.</summary>
    /// <param name="tokenizerModel">What the model file calls its tokenizer (GGUF: <c>tokenizer.ggml.model</c>).</param>
    /// <param name="vocabulary">Scores and types.</param>
    public static UnigramDetection Detect(string tokenizerModel, TokenVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(tokenizerModel);
        ArgumentNullException.ThrowIfNull(vocabulary);
        switch (tokenizerModel)
        {
            case "t5" or "unigram":
                return new UnigramDetection(true, $"the file says '{tokenizerModel}'");
            case not "llama":
                return new UnigramDetection(false, $"the file says '{tokenizerModel}'");
        }

        int pieces = 0, fractional = 0;
        for (var id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Type(id) != TokenType.Normal)
                continue;
            pieces++;
            if (vocabulary.Score(id) != MathF.Truncate(vocabulary.Score(id)))
                fractional++;
        }

        var isUnigram = pieces >= LeastPieces && fractional * 2 > pieces;
        return new UnigramDetection(
            isUnigram,
            string.Create(CultureInfo.InvariantCulture, $"{fractional} of {pieces} scores are fractions: {(isUnigram ? "log-probabilities" : "ranks of merges")}"));
    }
}
