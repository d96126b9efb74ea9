using System.Text;
using InferenceHost.ModelFiles.Gguf;
using InferenceHost.ModelFiles.Models;
using InferenceHost.ModelFiles.Tests.Mutation;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Models;

public sealed class VocabularyTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf");

    [Theory]
    [InlineData("llmjp31", 98_452)]
    [InlineData("llmjp4", 196_608)]
    public void UnigramVocabulariesAreRecognised(string name, int count)
    {
        using var file = GgufFile.Open(SharedData.Require($"tokenizers/{name}.vocab.gguf"));
        var vocabulary = GgufVocabulary.Read(file);
        Assert.Equal(TokenizerKind.Unigram, vocabulary.Kind);
        Assert.Equal((count, count, count), (vocabulary.Count, vocabulary.Scores.Length, vocabulary.Types.Length));
        Assert.Equal((1, 2, 0), (vocabulary.BosId, vocabulary.EosId, vocabulary.UnknownId));
        Assert.Equal(("<unk>", "<s>"), (Encoding.UTF8.GetString(vocabulary.Token(0)), Encoding.UTF8.GetString(vocabulary.Token(1))));
        Assert.Equal((false, false, (bool?)null), (vocabulary.AddBos, vocabulary.AddEos, vocabulary.AddSpacePrefix));
    }

    [Fact]
    public void ScoresByMergeRankAreNotUnigram()
    {
        var types = Enumerable.Repeat(1, 1000).ToArray();
        Assert.False(UnigramDetector.IsUnigram([.. Enumerable.Range(0, 1000).Select(i => -(float)i)], types));
        Assert.True(UnigramDetector.IsUnigram([.. Enumerable.Range(1, 1000).Select(i => -MathF.Log(i * 1.5f))], types));
        Assert.False(UnigramDetector.IsUnigram([], []));
        Assert.False(UnigramDetector.IsUnigram([-1.5f, -2.5f], [3, 3]));
    }

    [Fact]
    public void DefaultModelsVocabularyIsReadWhole()
    {
        using var file = GgufFile.Open(SharedData.DefaultModel);
        var vocabulary = GgufVocabulary.Read(file);
        Assert.Equal((TokenizerKind.ByteLevelBpe, "gpt2", "smollm"), (vocabulary.Kind, vocabulary.Model, vocabulary.PreTokenizer));
        Assert.Equal((49_152, 48_900), (vocabulary.Count, vocabulary.Merges.Length));
        Assert.Equal("Ġ t", vocabulary.Merges[0]);
        Assert.Equal("<|im_end|>", Encoding.UTF8.GetString(vocabulary.Token(vocabulary.EosId!.Value)));
        Assert.Equal((false, false), (vocabulary.AddBos, vocabulary.AddSpacePrefix));
        Assert.Empty(vocabulary.Scores);
    }

    [Fact]
    public void SummaryOfTheDefaultModel()
    {
        var summary = ModelSummary.Read(SharedData.DefaultModel);
        Assert.Equal(("llama", "IQ4_NL", 8192, 576, 30), (summary.Architecture, summary.Quantisation, summary.ContextLength,
            summary.EmbeddingLength, summary.Layers));
        Assert.Equal((9, 3, 64, 49_152), (summary.Heads, summary.KeyValueHeads, summary.HeadSize, summary.VocabularySize));
        Assert.Equal(134_515_008, summary.Parameters);
        Assert.Equal(30 * 3 * (64 + 64) * 2, summary.KvBytesPerToken);
        Assert.StartsWith("{% for message in messages %}", summary.ChatTemplate, StringComparison.Ordinal);
        Assert.Equal(272, summary.Tensors.Count);
    }

    [Fact]
    public void SummaryCountsOnlyAttentionLayersOfAHybrid()
    {
        var summary = ModelSummary.Read(TestFiles.Tiny("lfm2"));
        Assert.Equal((4, 2, 32), (summary.Heads, summary.KeyValueHeads, summary.HeadSize));
        Assert.Equal(2 * 2 * (32 + 32) * 2, summary.KvBytesPerToken);
    }

    [Fact]
    public void LargeVocabularyIsValidatedInLittleMemory()
    {
        const int Count = 150_000;
        var image = GgufImage.Load(TestFiles.Tiny("llama"));
        image.Tensors.Clear();
        image.SetStrings("tokenizer.ggml.tokens", [.. Enumerable.Range(0, Count).Select(i => Encoding.UTF8.GetBytes($"token{i}"))]);
        image.SetStrings("tokenizer.ggml.merges", [.. Enumerable.Range(0, Count).Select(i => Encoding.UTF8.GetBytes($"tok en{i}"))]);
        image.SetNumbers("tokenizer.ggml.token_type", GgufValueType.Int32, Enumerable.Repeat(1, Count).ToArray());
        image.SetUInt32("llama.vocab_size", Count);
        File.WriteAllBytes(_path, image.ToBytes());
        ModelValidator.Validate(_path, vocabularyOnly: true);
        var before = GC.GetAllocatedBytesForCurrentThread();
        ModelValidator.Validate(_path, vocabularyOnly: true);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    public void Dispose() => File.Delete(_path);
}
