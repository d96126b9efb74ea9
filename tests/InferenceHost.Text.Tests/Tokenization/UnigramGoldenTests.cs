using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using InferenceHost.Testing;
using InferenceHost.Text.Tokenization;

namespace InferenceHost.Text.Tests.Tokenization;

public sealed class UnigramGoldenTests
{
    private static readonly ConcurrentDictionary<string, Lazy<UnigramTokenizer>> Loaded = new();

    public static TheoryData<string> Names => ["llmjp31", "llmjp4"];

    public static TheoryData<string, string> Texts()
    {
        var data = new TheoryData<string, string>();
        foreach (var name in (string[])["llmjp31", "llmjp4"])
        {
            foreach (var text in (string[])[
                "髙島屋の﨑本さんと𠮷田さん", "①②㈱㌔ ㍿", "ＡＢＣ　１２３", "ｶﾞｷﾞｸﾞ", "👨‍👩‍👧‍👦 🏳️‍🌈 🇯🇵", " a  b   c ", "\r\n\t\n \n", "\0\u0001\u007F",
                "e\u0301 é ﾊﾟ か\u3099", "\uFFFE\uFFFF\uFFFD", "<s></s><unk><0x0A>", " ", "   ", "한국어 العربية ไทย", "\u200B\u2028\uFEFF", "𝔘𝔫𝔦 𓀀"])
                data.Add(name, text);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryGoldenTextGetsItsIdsAndComesBack(string name)
    {
        var tokenizer = Load(name);
        using var document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require($"tokenizers/{name}.golden.json")));
        var count = 0;
        foreach (var golden in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var text = golden.GetProperty("text").GetString()!;
            var expected = golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
            Assert.Equal(expected, Encode(tokenizer, text));
            Assert.Equal(text, tokenizer.Decode(expected));
            count++;
        }

        Assert.True(count >= 51);
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void AnyTextComesBackByteForByte(string name, string text)
    {
        var tokenizer = Load(name);
        var ids = Encode(tokenizer, text);
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.All(ids, id => Assert.NotEqual(TokenType.Control, tokenizer.Vocabulary.Type(id)));
        Assert.DoesNotContain(tokenizer.Vocabulary.UnknownId!.Value, ids);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void RandomTextComesBackByteForByte(string name)
    {
        var tokenizer = Load(name);
        var random = new Random(9);
        for (var round = 0; round < 300; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => RandomCharacter(random)));
            Assert.Equal(text, tokenizer.Decode(Encode(tokenizer, text)));
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("あ")]
    [InlineData("𠮷")]
    public void HostileMegabyteIsEncodedInLinearTime(string unit)
    {
        var tokenizer = Load("llmjp4");
        var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / System.Text.Encoding.UTF8.GetByteCount(unit)));
        var watch = Stopwatch.StartNew();
        var ids = Encode(tokenizer, text);

        // A tenth of a second to a second; anything quadratic takes minutes.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed} for 1 MB of '{unit}'");
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ScoresTellThatItIsUnigram(string name)
    {
        var (model, vocabulary) = GgufVocabularyFile.Read(SharedData.Require($"tokenizers/{name}.vocab.gguf"));
        var detection = UnigramDetector.Detect(model, vocabulary);
        Assert.True(detection.IsUnigram, detection.Reason);
        Assert.Equal(TokenizerQuirks.UnigramNamedLlama, TokenizerQuirkTable.Of(model, vocabulary));
    }

    [Fact]
    public void ReservedMarkupIsFormedFromPlainTextButNeverFromAMessage()
    {
        var tokenizer = Load("llmjp4");
        Assert.Contains(6, Encode(tokenizer, "a<EOD>b"));
        var ids = new List<int>();
        Assert.True(tokenizer.TryEncode([new("<s>", true), new("a<EOD>b<RESERVED_005></s>", false), new("</s>", true)], false, ids, out _));
        Assert.Equal(1, ids[0]);
        Assert.Equal(2, ids[^1]);
        Assert.All(ids[1..^1], id => Assert.True(id > 351, $"id {id}"));
        Assert.Equal("a<EOD>b<RESERVED_005></s>", tokenizer.Decode(ids.ToArray()));
    }

    internal static int[] Encode(UnigramTokenizer tokenizer, string text)
    {
        var ids = new List<int>();
        Assert.True(tokenizer.TryEncode(text, ids, out var error), error.ToString());
        return [.. ids];
    }

    internal static UnigramTokenizer Load(string name)
    {
        var path = SharedData.Require($"tokenizers/{name}.vocab.gguf");
        return Loaded.GetOrAdd(name, _ => new(() =>
        {
            Assert.True(UnigramTokenizer.TryCreate(GgufVocabularyFile.Read(path).Vocabulary, out var tokenizer, out var error), error.ToString());
            return tokenizer;
        })).Value;
    }

    // Any scalar value but U+2581, which SentencePiece itself uses for the space.
    private static string RandomCharacter(Random random)
    {
        while (true)
        {
            var value = random.Next(4) switch { 0 => random.Next(0x80), 1 => 0x3040 + random.Next(0x60), 2 => 0x4E00 + random.Next(0x5000), _ => random.Next(0x110000) };
            if (System.Text.Rune.IsValid(value) && value != 0x2581)
                return new System.Text.Rune(value).ToString();
        }
    }
}
