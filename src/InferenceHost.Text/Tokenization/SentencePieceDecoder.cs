namespace InferenceHost.Text.Tokenization;

/// <summary>SentencePiece's way back: U+2581 becomes a space, a byte token its byte, a control token nothing, the unknown token " ⁇ ".</summary>
internal sealed class SentencePieceDecoder : ITokenDecoder
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    public SentencePieceDecoder(TokenVocabulary vocabulary, bool stripsLeadingSpace)
    {
        StripsLeadingSpace = stripsLeadingSpace;
        _ends = new int[vocabulary.Count + 1];
        var bytes = new List<byte>(vocabulary.Count * 6);
        for (var id = 0; id < vocabulary.Count; id++)
        {
            Append(vocabulary.Type(id), vocabulary.Bytes(id), bytes);
            _ends[id + 1] = bytes.Count;
        }

        _bytes = [.. bytes];
    }

    /// <inheritdoc/>
    public bool StripsLeadingSpace { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(int id) =>
        (uint)id < (uint)(_ends.Length - 1) ? _bytes.AsSpan(_ends[id].._ends[id + 1]) : [];

    private static void Append(TokenType type, ReadOnlySpan<byte> token, List<byte> bytes)
    {
        switch (type)
        {
            case TokenType.Control or TokenType.Unused:
                return;
            case TokenType.Unknown:
                bytes.AddRange(" \u2047 "u8);
                return;
            case TokenType.Byte when TokenVocabulary.TryParseByte(token, out var value):
                bytes.Add(value);
                return;
        }

        while (token.IndexOf("\u2581"u8) is var space && space >= 0)
        {
            bytes.AddRange(token[..space]);
            bytes.Add((byte)' ');
            token = token[(space + 3)..];
        }

        bytes.AddRange(token);
    }
}
