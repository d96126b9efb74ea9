using System.Text;
using InferenceHost.Text.Tokenization;

namespace InferenceHost.Text.Tests.Tokenization;

/// <summary>Small vocabularies, written piece by piece.</summary>
internal sealed class VocabularyBuilder
{
    private readonly List<(string Text, float Score, TokenType Type)> _tokens = [];

    public VocabularyBuilder Add(string text, float score = 0, TokenType type = TokenType.Normal)
    {
        _tokens.Add((text, score, type));
        return this;
    }

    public VocabularyBuilder AddBytes()
    {
        for (var value = 0; value < 256; value++)
            Add($"<0x{value:X2}>", 0, TokenType.Byte);
        return this;
    }

    public int Id(string text) => _tokens.FindIndex(token => token.Text == text);

    public TokenVocabulary Build(VocabularySettings? settings = null)
    {
        var created = TokenVocabulary.TryCreate(
            [.. _tokens.Select(token => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(token.Text))],
            [.. _tokens.Select(token => token.Score)],
            [.. _tokens.Select(token => token.Type)],
            settings ?? new VocabularySettings(),
            out var vocabulary,
            out var error);
        Assert.True(created, error.ToString());
        return vocabulary!;
    }

    public UnigramTokenizer Tokenizer(VocabularySettings? settings = null)
    {
        Assert.True(UnigramTokenizer.TryCreate(Build(settings), out var tokenizer, out var error), error.ToString());
        return tokenizer;
    }
}
