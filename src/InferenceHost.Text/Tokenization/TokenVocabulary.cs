using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace InferenceHost.Text.Tokenization;

/// <summary>The entries of a tokenizer: bytes, score and type by id. Immutable; knows nothing of how text is cut into them.</summary>
public sealed class TokenVocabulary
{
    private readonly ReadOnlyMemory<byte>[] _tokens;
    private readonly float[] _scores;
    private readonly TokenType[] _types;
    private readonly int[] _byteIds;

    private TokenVocabulary(ReadOnlyMemory<byte>[] tokens, float[] scores, TokenType[] types, VocabularySettings settings)
    {
        _tokens = tokens;
        _scores = scores;
        _types = types;
        Settings = settings;
        _byteIds = new int[256];
        _byteIds.AsSpan().Fill(-1);
        for (var id = types.Length - 1; id >= 0; id--)
        {
            if (types[id] == TokenType.Byte && TryParseByte(tokens[id].Span, out var value))
                _byteIds[value] = id;
        }

        HasAllBytes = !_byteIds.Contains(-1);
        var unknown = Array.IndexOf(types, TokenType.Unknown);
        UnknownId = settings.UnknownId ?? (unknown < 0 ? null : unknown);
    }

    /// <summary>Number of entries.</summary>
    public int Count => _tokens.Length;

    /// <summary>What the model file says beside the entries.</summary>
    public VocabularySettings Settings { get; }

    /// <summary>The unknown token, if there is one.</summary>
    public int? UnknownId { get; }

    /// <summary>Whether each of the 256 bytes has a token, so that any text can be spelled.</summary>
    public bool HasAllBytes { get; }

    /// <summary>Checks and takes a vocabulary. The arrays are not copied and must not change afterwards.</summary>
    /// <param name="tokens">Bytes of each entry as the model file has them (a space as U+2581).</param>
    /// <param name="scores">Logarithmic score of each entry; empty = all 0.</param>
    /// <param name="types">Type of each entry; empty = all <see cref="TokenType.Normal"/>.</param>
    /// <param name="settings">Ids and flags.</param>
    /// <param name="vocabulary">The vocabulary, when it is usable.</param>
    /// <param name="error">Otherwise the first fault.</param>
    public static bool TryCreate(
        ReadOnlyMemory<byte>[] tokens,
        float[] scores,
        TokenType[] types,
        VocabularySettings settings,
        [NotNullWhen(true)] out TokenVocabulary? vocabulary,
        out TokenizationError error)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(types);
        ArgumentNullException.ThrowIfNull(settings);
        vocabulary = null;
        if (scores.Length == 0)
            scores = new float[tokens.Length];
        if (types.Length == 0)
            types = Enumerable.Repeat(TokenType.Normal, tokens.Length).ToArray();
        if (Fault(tokens, scores, types, settings) is { } fault)
        {
            error = fault;
            return false;
        }

        error = default;
        vocabulary = new TokenVocabulary(tokens, scores, types, settings);
        return true;
    }

    /// <summary>Bytes of an entry as the model file has them.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => _tokens[id].Span;

    /// <summary>Score of an entry.</summary>
    public float Score(int id) => _scores[id];

    /// <summary>Type of an entry.</summary>
    public TokenType Type(int id) => _types[id];

    /// <summary>The token of one byte, -1 where the vocabulary has none.</summary>
    internal int ByteId(byte value) => _byteIds[value];

    /// <summary>Reads the <c>&lt;0xNN&gt;</c> of a byte token.</summary>
    internal static bool TryParseByte(ReadOnlySpan<byte> token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x"u8) && token[5] == (byte)'>'
            && byte.TryParse(token[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static TokenizationError? Fault(ReadOnlyMemory<byte>[] tokens, float[] scores, TokenType[] types, VocabularySettings settings)
    {
        if (tokens.Length == 0)
            return new TokenizationError("the vocabulary is empty", -1, 0);
        if (scores.Length != tokens.Length || types.Length != tokens.Length)
            return new TokenizationError(Text($"{tokens.Length} tokens, {scores.Length} scores and {types.Length} types do not go together"), -1, 0);
        foreach (var (name, id) in ((string, int?)[])[("BOS", settings.BosId), ("EOS", settings.EosId), ("unknown", settings.UnknownId)])
        {
            if (id is { } value && (uint)value >= (uint)tokens.Length)
                return new TokenizationError(Text($"the {name} token {value} is outside the vocabulary of {tokens.Length}"), value, 0);
        }

        for (var id = 0; id < tokens.Length; id++)
        {
            if (!float.IsFinite(scores[id]))
                return new TokenizationError(Text($"the score of token {id} is {scores[id]}"), id, 0);
            if (!Enum.IsDefined(types[id]))
                return new TokenizationError(Text($"the type of token {id} is {(int)types[id]}, known are 0 to 6"), id, 0);
            if (types[id] == TokenType.Byte && !TryParseByte(tokens[id].Span, out _))
                return new TokenizationError(Text($"the byte token {id} is not written <0xNN>: {Encoding.UTF8.GetString(tokens[id].Span)}"), id, 0);
        }

        return null;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
