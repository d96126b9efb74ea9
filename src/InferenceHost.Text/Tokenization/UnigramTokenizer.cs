using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace InferenceHost.Text.Tokenization;

/// <summary>A SentencePiece Unigram tokenizer: special tokens, normaliser, pre-tokenizer, model and decoder put together.</summary>
public sealed class UnigramTokenizer : ITextTokenizer
{
    private readonly TokenTrie _special;
    private readonly INormaliser _normaliser;
    private readonly IPreTokenizer _preTokenizer;
    private readonly ITokenModel _model;

    private UnigramTokenizer(TokenVocabulary vocabulary)
    {
        Vocabulary = vocabulary;
        var settings = vocabulary.Settings;
        _special = TokenTrie.Build(vocabulary, id => vocabulary.Type(id) is TokenType.Control or TokenType.Unknown);
        var hasUserDefined = Enumerable.Range(0, vocabulary.Count).Any(id => vocabulary.Type(id) == TokenType.UserDefined);
        var userDefined = hasUserDefined ? TokenTrie.Build(vocabulary, id => vocabulary.Type(id) == TokenType.UserDefined) : null;
        _normaliser = new SentencePieceNormaliser(settings.SpacePrefix, settings.RemoveExtraSpaces, userDefined);
        _preTokenizer = new WholeTextPreTokenizer();
        _model = new UnigramModel(vocabulary, new MarkupTokens(vocabulary));
        Decoder = new SentencePieceDecoder(vocabulary, settings.SpacePrefix != SpacePrefix.Never || settings.RemoveExtraSpaces);
    }

    /// <inheritdoc/>
    public TokenVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public ITokenDecoder Decoder { get; }

    /// <summary>Makes the tokenizer of a vocabulary.</summary>
    /// <param name="vocabulary">Pieces with their scores; it needs all byte tokens or an unknown token.</param>
    /// <param name="tokenizer">The tokenizer, when the vocabulary is usable.</param>
    /// <param name="error">Otherwise what is missing.</param>
    public static bool TryCreate(TokenVocabulary vocabulary, [NotNullWhen(true)] out UnigramTokenizer? tokenizer, out TokenizationError error)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        (tokenizer, error) = (null, default);
        if (!vocabulary.HasAllBytes && vocabulary.UnknownId is null)
            error = new TokenizationError("the vocabulary has neither all 256 byte tokens nor an unknown token: some text could not be encoded", -1, 0);
        else
            tokenizer = new UnigramTokenizer(vocabulary);
        return tokenizer is not null;
    }

    /// <inheritdoc/>
    public bool TryEncode(string text, List<int> ids, out TokenizationError error)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(ids);
        error = default;
        if (WellFormedText.IndexOfLoneSurrogate(text) is var position && position >= 0)
        {
            error = LoneSurrogate(0, position);
            return false;
        }

        var prompt = new PromptAssembly(_special, _normaliser, _preTokenizer, _model, ids);
        prompt.AppendPlain(text);
        prompt.EndRun();
        return true;
    }

    /// <inheritdoc/>
    public bool TryEncode(ReadOnlySpan<TextSegment> segments, bool addBosAndEos, List<int> ids, out TokenizationError error)
    {
        ArgumentNullException.ThrowIfNull(ids);
        error = default;
        for (var index = 0; index < segments.Length; index++)
        {
            if (WellFormedText.IndexOfLoneSurrogate(segments[index].Text) is var position && position >= 0)
            {
                error = LoneSurrogate(index, position);
                return false;
            }
        }

        var first = ids.Count;
        var prompt = new PromptAssembly(_special, _normaliser, _preTokenizer, _model, ids);
        foreach (var segment in segments)
        {
            if (segment.ParseSpecial)
                prompt.AppendTemplate(segment.Text);
            else
                prompt.AppendMessage(segment.Text);
        }

        prompt.EndRun();
        if (addBosAndEos)
            AddBosAndEos(ids, first);
        return true;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var atStart = Decoder.StripsLeadingSpace;
        foreach (var id in ids)
        {
            var token = Decoder.Bytes(id);
            if (token.IsEmpty)
                continue;
            if (atStart && Vocabulary.Bytes(id).StartsWith("\u2581"u8))
                token = token[1..];
            bytes.Write(token);
            atStart &= Vocabulary.Settings.RemoveExtraSpaces && bytes.WrittenCount == 0;
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    // The BOS of the template counts; a message cannot bring one.
    private void AddBosAndEos(List<int> ids, int first)
    {
        var settings = Vocabulary.Settings;
        if (settings is { AddBos: true, BosId: { } bos } && (ids.Count == first || ids[first] != bos))
            ids.Insert(first, bos);
        if (settings is { AddEos: true, EosId: { } eos } && (ids.Count == first || ids[^1] != eos))
            ids.Add(eos);
    }

    private static TokenizationError LoneSurrogate(int segment, int position) =>
        new("the text has a lone surrogate, which no UTF-8 can express", segment, position);
}
