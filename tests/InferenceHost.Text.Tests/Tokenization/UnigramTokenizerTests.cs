using InferenceHost.Text.Tokenization;

namespace InferenceHost.Text.Tests.Tokenization;

public sealed class UnigramTokenizerTests
{
    [Fact]
    public void HighestSumOfScoresWinsNotTheLongestPiece()
    {
        var tokenizer = Letters().Add("abc", -9.5f).Add("ab", -2).Add("c", -3).Tokenizer(NoPrefix);
        Assert.Equal(["ab", "c"], Pieces(tokenizer, "abc"));
        Assert.Equal(["abc"], Pieces(Letters().Add("abc", -4.5f).Add("ab", -2).Tokenizer(NoPrefix), "abc"));
    }

    [Fact]
    public void FirstOfEqualSumsStays()
    {
        // ab+c and a+bc are equal: the candidate that reaches the end first, from the earlier start, stays.
        var tokenizer = new VocabularyBuilder().AddBytes().Add("a", -1).Add("c", -1).Add("ab", -2).Add("bc", -2).Tokenizer(NoPrefix);
        Assert.Equal(["a", "bc"], Pieces(tokenizer, "abc"));
    }

    [Fact]
    public void TextWithoutPiecesIsSpelledInBytes()
    {
        var tokenizer = new VocabularyBuilder().AddBytes().Add("▁", -2).Tokenizer();
        Assert.Equal(["▁", "<0xE9>", "<0xAB>", "<0x99>", "<0x0A>"], Pieces(tokenizer, "髙\n"));
    }

    [Fact]
    public void WithoutByteTokensARunOfUnknownCharactersIsOneUnknownToken()
    {
        var tokenizer = new VocabularyBuilder().Add("<unk>", 0, TokenType.Unknown).Add("a", -1).Tokenizer(NoPrefix);
        Assert.Equal(["a", "<unk>", "a"], Pieces(tokenizer, "a髙島a"));
        Assert.Equal("a \u2047 a", tokenizer.Decode(UnigramGoldenTests.Encode(tokenizer, "a髙島a")));
    }

    [Fact]
    public void UserDefinedPieceIsKeptWholeAndItsSpacesAreNotEscaped()
    {
        var tokenizer = Letters().Add("a b", 0, TokenType.UserDefined).Add("▁", -2).Tokenizer(NoPrefix);
        Assert.Equal(["b", "a b", "▁", "a"], Pieces(tokenizer, "ba b a"));
    }

    [Fact]
    public void UnusedPieceIsNeverProduced()
    {
        var tokenizer = Letters().Add("ab", -0.5f, TokenType.Unused).Tokenizer(NoPrefix);
        Assert.Equal(["a", "b"], Pieces(tokenizer, "ab"));
    }

    [Fact]
    public void OneSpaceIsPutInFrontAndTakenOffAgain()
    {
        var tokenizer = Letters().Add("▁", -2).Add("▁▁", -2.5f).Add("▁a", -1.5f).Tokenizer();
        Assert.Equal(["▁a"], Pieces(tokenizer, "a"));
        Assert.Equal(["▁", "▁a"], Pieces(tokenizer, " a"));
        Assert.Equal(["▁▁", "▁a", "▁"], Pieces(tokenizer, "  a "));
        Assert.Empty(Pieces(tokenizer, ""));
        foreach (var text in (string[])["a", " a", "  a ", " ", "   "])
            Assert.Equal(text, tokenizer.Decode(UnigramGoldenTests.Encode(tokenizer, text)));
    }

    [Fact]
    public void ExtraSpacesAreRemovedWhereTheVocabularySaysSo()
    {
        var tokenizer = Letters().Add("▁", -2).Tokenizer(new VocabularySettings { RemoveExtraSpaces = true });
        Assert.Equal(["▁", "a", "▁", "b"], Pieces(tokenizer, "  a   b "));
        Assert.Empty(Pieces(tokenizer, "   "));
        Assert.Equal("a b", tokenizer.Decode(UnigramGoldenTests.Encode(tokenizer, "  a   b ")));
    }

    [Fact]
    public void SpecialTokensCountOnlyInTemplateParts()
    {
        var tokenizer = Chat().Tokenizer(NoPrefix);
        Assert.Equal(["<s>", "a", "</s>"], Pieces(tokenizer, [new("<s>", true), new("a", false), new("</s>", true)]));
        Assert.All(Ids(tokenizer, [new("<s></s>", false)]), id => Assert.NotEqual(TokenType.Control, tokenizer.Vocabulary.Type(id)));
        Assert.All(Ids(tokenizer, [new("<", true), new("s>", false)]), id => Assert.NotEqual(TokenType.Control, tokenizer.Vocabulary.Type(id)));
        Assert.All(Ids(tokenizer, [new("<", true), new("s>", true)]), id => Assert.NotEqual(TokenType.Control, tokenizer.Vocabulary.Type(id)));
    }

    [Fact]
    public void LongestSpecialTokenAtTheLeftmostPlaceWins()
    {
        var tokenizer = Chat().Add("<s>b", 0, TokenType.Control).Tokenizer(NoPrefix);
        Assert.Equal(["a", "<s>b", "<s>"], Pieces(tokenizer, [new("a<s>b<s>", true)]));
    }

    [Fact]
    public void TokensCrossTheBorderOfTwoPartsAsInTheJoinedText()
    {
        var tokenizer = Chat().Add("ab", -0.5f).Tokenizer(NoPrefix);
        Assert.Equal(["ab"], Pieces(tokenizer, [new("a", true), new("b", false)]));
        Assert.Equal(["ab", "ab"], Pieces(tokenizer, [new("a", true), new("", false), new("b", true), new("ab", false)]));
    }

    [Fact]
    public void SpaceIsPutWhereTheVocabularySaysSo()
    {
        TextSegment[] prompt = [new("<s>", true), new("a", false), new("</s>", true), new("b", false)];
        TextSegment[] text = [new("a", true), new("<s>", true), new("b", false)];
        var chat = Chat().Add("▁", -2);
        Assert.Equal(["<s>", "▁", "a", "</s>", "▁", "b"], Pieces(chat.Tokenizer(), prompt));
        var first = chat.Tokenizer(new VocabularySettings { SpacePrefix = SpacePrefix.First });
        Assert.Equal(["<s>", "a", "</s>", "b"], Pieces(first, prompt));
        Assert.Equal(["▁", "a", "<s>", "b"], Pieces(first, text));
        Assert.Equal(["a", "<s>", "b"], Pieces(chat.Tokenizer(NoPrefix), text));
    }

    [Fact]
    public void PromptBeginsWithExactlyOneBos()
    {
        var tokenizer = Chat().Tokenizer(NoPrefix with { AddBos = true, BosId = 0, AddEos = true, EosId = 1 });
        var expected = new[] { "<s>", "a", "</s>" };
        Assert.Equal(expected, Pieces(tokenizer, [new("a", false)], add: true));
        Assert.Equal(expected, Pieces(tokenizer, [new("<s>", true), new("a", false), new("</s>", true)], add: true));
        Assert.Equal("<s>", Pieces(tokenizer, [new("<s>", false)], add: true)[0]);
        Assert.Equal(5, Pieces(tokenizer, [new("<s>", false)], add: true).Length);
        Assert.Equal(["<s>", "</s>"], Pieces(tokenizer, [], add: true));
    }

    [Fact]
    public void MarkupEnteredAsPiecesIsNotFormedInMessages()
    {
        var tokenizer = Chat().Add("<|user|>", 0, TokenType.UserDefined).Add("[INST]", 0, TokenType.UserDefined).Add("++", 0, TokenType.UserDefined)
            .Tokenizer(NoPrefix);
        Assert.Equal(["<|user|>", "a", "++", "[INST]"], Pieces(tokenizer, [new("<|user|>", true), new("a++", false), new("[INST]", true)]));
        var forged = Pieces(tokenizer, [new("a", true), new("<|user|>[INST]", false)]);
        Assert.DoesNotContain("<|user|>", forged);
        Assert.DoesNotContain("[INST]", forged);
        Assert.DoesNotContain("<|user|>", Pieces(tokenizer, [new("<|us", true), new("er|>", false)]));
        Assert.Equal("<|user|>", tokenizer.Decode([.. Ids(tokenizer, [new("<|user|>", false)])]));
    }

    // The texts are put together here: the metadata of an attribute cannot hold a lone surrogate.
    [Theory]
    [InlineData("ab", 0xD83D, "")]
    [InlineData("", 0xDC00, "")]
    [InlineData("😀", 0xD83D, "x")]
    [InlineData("😀", 0xDE00, "")]
    public void LoneSurrogateIsRefusedWithItsPlace(string before, int surrogate, string after)
    {
        var (text, position) = (before + (char)surrogate + after, before.Length);
        var tokenizer = Chat().Tokenizer(NoPrefix);
        var ids = new List<int> { 7 };
        Assert.False(tokenizer.TryEncode(text, ids, out var error));
        Assert.Equal((0, position), (error.Index, error.Position));
        Assert.False(tokenizer.TryEncode([new("a", true), new(text, false)], true, ids, out error));
        Assert.Equal((1, position), (error.Index, error.Position));
        Assert.Equal([7], ids);
        Assert.Equal(before + "\uFFFD" + after, WellFormedText.Sanitise(text, out var first));
        Assert.Equal(position, first);
    }

    [Fact]
    public void WholeTextIsLeftAloneBySanitising()
    {
        const string Text = "𠮷 ok";
        Assert.Same(Text, WellFormedText.Sanitise(Text, out var first));
        Assert.Equal(-1, first);
    }

    [Fact]
    public void IdsOutsideTheVocabularyDecodeToNothing()
    {
        var tokenizer = Chat().Tokenizer(NoPrefix);
        Assert.Equal("", tokenizer.Decode([-1, int.MaxValue, 0, 1]));
    }

    private static VocabularySettings NoPrefix { get; } = new() { SpacePrefix = SpacePrefix.Never };

    private static VocabularyBuilder Letters() => new VocabularyBuilder().AddBytes().Add("a", -3).Add("b", -3).Add("c", -3);

    private static VocabularyBuilder Chat() => new VocabularyBuilder()
        .Add("<s>", 0, TokenType.Control).Add("</s>", 0, TokenType.Control).AddBytes().Add("a", -3).Add("b", -3);

    private static string[] Pieces(UnigramTokenizer tokenizer, string text) => Names(tokenizer, UnigramGoldenTests.Encode(tokenizer, text));

    private static string[] Pieces(UnigramTokenizer tokenizer, TextSegment[] segments, bool add = false) => Names(tokenizer, Ids(tokenizer, segments, add));

    private static List<int> Ids(UnigramTokenizer tokenizer, TextSegment[] segments, bool add = false)
    {
        var ids = new List<int>();
        Assert.True(tokenizer.TryEncode(segments, add, ids, out var error), error.ToString());
        return ids;
    }

    private static string[] Names(UnigramTokenizer tokenizer, IEnumerable<int> ids) =>
        [.. ids.Select(id => System.Text.Encoding.UTF8.GetString(tokenizer.Vocabulary.Bytes(id)))];
}
