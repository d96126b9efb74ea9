namespace InferenceHost.Engines.Gguf.Tests;

public sealed class GreedyTokensTests
{
    public static TheoryData<string> Architectures => [.. Reference.Architectures];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void EveryPromptAloneGivesTheReferenceTokens(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = TestEngines.Load(reference.ModelPath);
        for (var i = 0; i < reference.Prompts.Length; i++)
        {
            var tokens = GreedyRun.Together(engine, [reference.Prompts[i]], reference.Base[i].Length);
            Assert.Equal(reference.Base[i].Select(step => step.Id), tokens[0]);
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void AllPromptsTogetherGiveTheReferenceTokens(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = TestEngines.Load(reference.ModelPath);
        var steps = reference.Base.Max(output => output.Length);
        var tokens = GreedyRun.Together(engine, reference.Prompts, steps);
        for (var i = 0; i < reference.Prompts.Length; i++)
            Assert.Equal(reference.Base[i].Select(step => step.Id), tokens[i].Take(reference.Base[i].Length));
    }

    [Theory]
    [InlineData(KvCacheType.Q8_0, KvCacheType.F16)]
    [InlineData(KvCacheType.Q8_0, KvCacheType.Q8_0)]
    public void AQuantisedCacheStillGivesTheReferenceTokens(KvCacheType key, KvCacheType value)
    {
        var reference = Reference.Tiny("llama");
        using var engine = GgufEngine.Load(TestEngines.Options(reference.ModelPath) with { KeyType = key, ValueType = value }, null, TestContext.Current.CancellationToken);
        var tokens = GreedyRun.Together(engine, reference.Prompts, reference.Base[0].Length);
        for (var i = 0; i < reference.Prompts.Length; i++)
            Assert.Equal(reference.Base[i].Select(step => step.Id), tokens[i].Take(reference.Base[i].Length));
    }
}
