namespace InferenceHost.Text.Tokenization;

/// <summary>
/// Pieces of the vocabulary that are markup although their type does not say so: <c>&lt;|user|&gt;</c>, <c>[INST]</c>, <c>&lt;EOD&gt;</c> entered as user-defined or normal pieces. SentencePiece forms
/// them from ordinary text; text of a message must not (it would forge the template). Recognised by their brackets and by a score that was set, not
/// trained: user-defined pieces have none, and normal ones carry the score of the control tokens.
/// </summary>
internal sealed class MarkupTokens
{
    private readonly bool[] _contains;

    public MarkupTokens(TokenVocabulary vocabulary)
    {
        _contains = new bool[vocabulary.Count];
        var setScores = new HashSet<float>();
        for (var id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Type(id) is TokenType.Control or TokenType.Unknown)
                setScores.Add(vocabulary.Score(id));
        }

        for (var id = 0; id < vocabulary.Count; id++)
        {
            var set = vocabulary.Type(id) == TokenType.UserDefined
                || (vocabulary.Type(id) == TokenType.Normal && setScores.Contains(vocabulary.Score(id)));
            _contains[id] = set && IsBracketed(vocabulary.Bytes(id));
        }
    }

    /// <summary>Whether a token is such a piece.</summary>
    public bool Contains(int id) => _contains[id];

    private static bool IsBracketed(ReadOnlySpan<byte> token) =>
        token.Length > 2
        && ((token[0] == (byte)'<' && token[^1] == (byte)'>') || (token[0] == (byte)'[' && token[^1] == (byte)']'))
        && !token[1..^1].ContainsAny(" <>[]"u8) && token.IndexOf("\u2581"u8) < 0;
}
