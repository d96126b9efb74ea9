using System.Text;
using InferenceHost.Text.Tokenization;

namespace InferenceHost.Text.Tests.Tokenization;

public sealed class TokenVocabularyTests
{
    [Fact]
    public void FaultsAreNamedWithTheirNumbers()
    {
        Assert.Equal("the vocabulary is empty", Refused([], [], []));
        Assert.Equal("2 tokens, 1 scores and 2 types do not go together", Refused(["a", "b"], [1], [TokenType.Normal, TokenType.Normal]));
        Assert.Equal("the score of token 1 is NaN", Refused(["a", "b"], [1, float.NaN], []));
        Assert.Equal("the type of token 0 is 9, known are 0 to 6", Refused(["a"], [1], [(TokenType)9]));
        Assert.Equal("the byte token 0 is not written <0xNN>: <0xG0>", Refused(["<0xG0>"], [1], [TokenType.Byte]));
        Assert.Equal("the BOS token 3 is outside the vocabulary of 1", Refused(["a"], [], [], new VocabularySettings { BosId = 3 }));
    }

    [Fact]
    public void VocabularyThatCannotSpellEverythingIsRefused()
    {
        var vocabulary = new VocabularyBuilder().Add("a").Build();
        Assert.False(UnigramTokenizer.TryCreate(vocabulary, out _, out var error));
        Assert.Contains("256 byte tokens", error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void RanksOfMergesAreNotUnigram()
    {
        var merges = new VocabularyBuilder();
        for (var rank = 0; rank < 100; rank++)
            merges.Add($"t{rank}", -rank);
        Assert.False(UnigramDetector.Detect("llama", merges.Build()).IsUnigram);
        Assert.True(UnigramDetector.Detect("t5", merges.Build()).IsUnigram);
        Assert.False(UnigramDetector.Detect("gpt2", merges.Build()).IsUnigram);
        Assert.Equal(TokenizerQuirks.None, TokenizerQuirkTable.Of("llama", merges.Build()));
    }

    [Fact]
    public void PlamoNeedsItsBosAdded()
    {
        var plamo = new VocabularyBuilder().Add("<|plamo:bos|>", 0, TokenType.Control);
        Assert.Equal(TokenizerQuirks.BosMissing, TokenizerQuirkTable.Of("plamo2", plamo.Build(new VocabularySettings { AddBos = true, BosId = 0 })));
        Assert.Equal(TokenizerQuirks.None, TokenizerQuirkTable.Of("plamo2", plamo.Build(new VocabularySettings { BosId = 0 })));
    }

    private static string Refused(string[] tokens, float[] scores, TokenType[] types, VocabularySettings? settings = null)
    {
        var bytes = Array.ConvertAll(tokens, token => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(token));
        Assert.False(TokenVocabulary.TryCreate(bytes, scores, types, settings ?? new VocabularySettings(), out _, out var error));
        return error.Reason;
    }
}
