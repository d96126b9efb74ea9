using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Tests;

public sealed class EngineMemoryTests
{
    private static readonly EngineSequence A = new(0), B = new(1);

    [Fact]
    public void ASharedPrefixContinuesLikeItsOwnPrompt()
    {
        var reference = Reference.Tiny("llama");
        using var engine = TestEngines.Load(reference.ModelPath);
        var prompt = reference.Prompts[0];
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, A, prompt, 0, out _));
        engine.SharePrefix(A, B, prompt.Length - 3);
        Assert.Equal(prompt.Length - 3, engine.Length(B));
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, B, prompt, prompt.Length - 3, out var next));
        Assert.Equal(reference.Base[0][0].Id, next);
        Assert.Equal(prompt.Length, engine.Length(A));

        // The cells live as long as one of the two does.
        engine.Clear(A);
        Assert.Equal(0, engine.Length(A));
        Assert.True(engine.Trim(B, prompt.Length - 1));
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, B, prompt, prompt.Length - 1, out next));
        Assert.Equal(reference.Base[0][0].Id, next);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma3")]
    public void ATrimmedSequenceContinuesAsIfTheRestHadNeverBeen(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = TestEngines.Load(reference.ModelPath);
        Assert.True(engine.Capabilities.CanTrim);
        var prompt = reference.Prompts[1];
        Feed(engine, A, prompt, 0, out _);
        Feed(engine, A, [.. prompt, .. reference.Prompts[2]], prompt.Length, out _);
        Assert.True(engine.Trim(A, prompt.Length - 1));
        Assert.Equal(prompt.Length - 1, engine.Length(A));
        Feed(engine, A, prompt, prompt.Length - 1, out var next);
        Assert.Equal(reference.Base[1][0].Id, next);
        Assert.True(engine.Trim(A, 10_000));
        Assert.Equal(prompt.Length, engine.Length(A));
    }

    [Fact]
    public void AHybridModelSaysThatItCannotBeTrimmed()
    {
        var reference = Reference.Tiny("lfm2");
        using var engine = TestEngines.Load(reference.ModelPath);
        Assert.False(engine.Capabilities.CanTrim);
        Assert.False(engine.Capabilities.CanSharePrefix);
        Feed(engine, A, reference.Prompts[0], 0, out _);
        Assert.False(engine.Trim(A, 3));
        Assert.Throws<EngineException>(() => engine.SharePrefix(A, B, 3));
        engine.Clear(A);
        Assert.Equal(0, engine.Length(A));
    }

    [Fact]
    public void AFullPoolIsAnOutcomeAndLeavesTheMemoryAsItWas()
    {
        var reference = Reference.Tiny("llama");
        using var engine = GgufEngine.Load(TestEngines.Options(reference.ModelPath) with { ContextTokens = 256, BatchTokens = 256 }, null, TestContext.Current.CancellationToken);
        var text = Enumerable.Range(0, 200).Select(i => reference.Prompts[i % 6][i % 10]).ToArray();
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, A, text, 0, out _));
        Assert.Equal(ExecutionStatus.NoCacheRoom, Feed(engine, B, text, 0, out _));
        Assert.Equal(200, engine.Length(A));
        Assert.Equal(0, engine.Length(B));
        engine.Clear(A);
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, B, text, 0, out _));
    }

    [Theory]
    [InlineData(384)]
    [InlineData(64)]
    public void TheLargestBatchFitsWhereThePoolIsRoundedUp(int contextTokens)
    {
        var reference = Reference.Tiny("llama");
        using var engine = GgufEngine.Load(TestEngines.Options(reference.ModelPath) with { ContextTokens = contextTokens }, null, TestContext.Current.CancellationToken);
        Assert.True(engine.Capabilities.PoolTokens > contextTokens);
        var text = Enumerable.Range(0, engine.Capabilities.MaxBatchTokens).Select(i => reference.Prompts[i % 6][i % 10]).ToArray();
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, A, text, 0, out _));
        Assert.Equal(ExecutionStatus.InvalidBatch, Feed(engine, B, [.. text, text[0]], 0, out _));
    }

    [Fact]
    public void ABatchThatMakesNoSenseIsRefusedAndTheEngineLivesOn()
    {
        var reference = Reference.Tiny("llama");
        using var engine = TestEngines.Load(reference.ModelPath);
        Assert.Equal(ExecutionStatus.InvalidBatch, One(-1, 0, A));
        Assert.Equal(ExecutionStatus.InvalidBatch, One(engine.Capabilities.VocabularySize, 0, A));
        Assert.Equal(ExecutionStatus.InvalidBatch, One(1, 0, new EngineSequence(32)));
        Assert.Equal(ExecutionStatus.InvalidBatch, One(1, 0, new EngineSequence(-1)));
        Assert.Equal(ExecutionStatus.InvalidBatch, One(1, 0, A, slot: 1));
        Assert.Equal(ExecutionStatus.InvalidBatch, engine.Execute(new StepBatch(1)));
        Feed(engine, A, reference.Prompts[0], 0, out _);
        // A gap in the positions.
        Assert.Equal(ExecutionStatus.InvalidBatch, One(1, reference.Prompts[0].Length + 5, A));
        Assert.Equal(reference.Prompts[0].Length, engine.Length(A));
        engine.Clear(A);
        Feed(engine, A, reference.Prompts[0], 0, out var next);
        Assert.Equal(reference.Base[0][0].Id, next);

        ExecutionStatus One(int token, int position, EngineSequence sequence, int slot = 0)
        {
            var batch = new StepBatch(1);
            batch.AddOutput(token, position, sequence, slot, 1);
            return engine.Execute(batch);
        }
    }

    private static ExecutionStatus Feed(GgufEngine engine, EngineSequence sequence, int[] tokens, int from, out int next)
    {
        var batch = new StepBatch(tokens.Length);
        for (var i = from; i < tokens.Length; i++)
            if (i == tokens.Length - 1)
                batch.AddOutput(tokens[i], i, sequence, 0, 1);
            else
                batch.Add(tokens[i], i, sequence, 0, 1);
        var status = engine.Execute(batch);
        next = status == ExecutionStatus.Completed ? GreedyRun.ArgMax(engine.Logits(0)) : -1;
        return status;
    }
}
