using InferenceHost.Core.Execution;

namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>A sequence saved to host memory and restored under another number goes on as if nothing had been.</summary>
public sealed class SequenceStateTests
{
    private const int PoolTokens = 256;

    private static readonly EngineSequence A = new(0), B = new(1), C = new(2);

    public static TheoryData<string> Architectures => [.. Reference.Architectures];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void ARestoredSequenceGoesOnWithItsReferenceTokens(string architecture)
    {
        var reference = Reference.Tiny(architecture);
        using var engine = TestEngines.Load(reference.ModelPath);
        var expected = reference.Base[0].Select(step => step.Id).ToArray();
        var prompt = reference.Prompts[0];
        var half = expected.Length / 2;
        var tokens = Continue(engine, A, [.. prompt], 0, half);
        // The last token is sampled, not computed: its row is the first after the restore.
        var held = tokens.Length - 1;
        Assert.Equal(held, engine.Length(A));
        var bytes = engine.StateBytes(A);
        Assert.True(bytes > 0);
        Assert.True(engine.TrySave(A, bytes, out var state));
        using (state)
        {
            Assert.Equal((bytes, held), (state.Bytes, state.Tokens));
            engine.Clear(A);
            // Somebody else uses the cells meanwhile, and stays.
            Continue(engine, C, reference.Prompts[1], 0, 4);
            Assert.True(engine.TryRestore(B, state));
        }
        Assert.Equal((0, held), (engine.Length(A), engine.Length(B)));
        tokens = Continue(engine, B, tokens, held, expected.Length - half);
        Assert.Equal(expected, tokens[prompt.Length..]);
    }

    [Fact]
    public void ARestoredSequenceIsTrimmedAndSharedLikeAnyOther()
    {
        var reference = Reference.Tiny("qwen3");
        using var engine = TestEngines.Load(reference.ModelPath);
        var prompt = reference.Prompts[0];
        Continue(engine, A, prompt, 0, 3);
        Assert.True(engine.TrySave(A, engine.StateBytes(A), out var state));
        using (state) Assert.True(engine.TryRestore(B, state));
        engine.Clear(A);
        engine.SharePrefix(B, C, prompt.Length - 2);
        Assert.Equal(reference.Base[0][0].Id, Continue(engine, C, prompt, prompt.Length - 2, 1)[^1]);
        Assert.True(engine.Trim(B, prompt.Length - 1));
        Assert.Equal(reference.Base[0][0].Id, Continue(engine, B, prompt, prompt.Length - 1, 1)[^1]);
    }

    [Fact]
    public void ARestoredSequenceTakesExactlyItsCells()
    {
        var reference = Reference.Tiny("llama");
        using var engine = Small(reference);
        var text = Text(reference, 100);
        Assert.Equal(ExecutionStatus.Completed, Feed(engine, A, text, 0));
        Assert.True(engine.TrySave(A, engine.StateBytes(A), out var state));
        using (state)
        {
            // Saving took no cell and freed none.
            Assert.Equal(PoolTokens - 100, FreeCells(engine, reference));
            engine.Clear(A);
            Assert.Equal(PoolTokens, FreeCells(engine, reference));
            Assert.True(engine.TryRestore(B, state));
            Assert.Equal(PoolTokens - 100, FreeCells(engine, reference));
        }
        engine.Clear(B);
        Assert.Equal(PoolTokens, FreeCells(engine, reference));
    }

    [Fact]
    public void AStateThatDoesNotFitLeavesThePoolAsItWas()
    {
        var reference = Reference.Tiny("llama");
        using var engine = Small(reference);
        Feed(engine, A, Text(reference, 200), 0);
        Assert.True(engine.TrySave(A, engine.StateBytes(A), out var state));
        using (state) Assert.False(engine.TryRestore(B, state));
        Assert.Equal((200, 0), (engine.Length(A), engine.Length(B)));
        Assert.Equal(PoolTokens - 200, FreeCells(engine, reference));
    }

    [Fact]
    public void BehindASlidingWindowNothingIsSaved()
    {
        var reference = Reference.Tiny("gemma3");
        using var engine = TestEngines.Load(reference.ModelPath);
        // sliding_window of this model.
        const int window = 64;
        Feed(engine, A, Text(reference, window - 1), 0);
        Assert.True(engine.StateBytes(A) > 0);
        Feed(engine, A, Text(reference, window), window - 1);
        Assert.Equal(0, engine.StateBytes(A));
        Assert.False(engine.TrySave(A, engine.StateBytes(A), out _));
    }

    [Fact]
    public void OnlyAnEmptySequenceIsRestored()
    {
        var reference = Reference.Tiny("llama");
        using var engine = Small(reference);
        Assert.Equal(0, engine.StateBytes(A));
        Assert.False(engine.TrySave(A, engine.StateBytes(A), out _));
        Feed(engine, A, Text(reference, 10), 0);
        Assert.True(engine.TrySave(A, engine.StateBytes(A), out var state));
        Assert.Throws<ArgumentException>(() => engine.TryRestore(A, state));
        state.Dispose();
        Assert.Throws<ArgumentException>(() => engine.TryRestore(B, state));
        state.Dispose();
    }

    private static GgufEngine Small(Reference reference) =>
        GgufEngine.Load(TestEngines.Options(reference.ModelPath) with { ContextTokens = PoolTokens, BatchTokens = PoolTokens }, null, TestContext.Current.CancellationToken);

    private static int[] Text(Reference reference, int length) => [.. Enumerable.Range(0, length).Select(i => reference.Prompts[i % 6][i % 10])];

    private static ExecutionStatus Feed(GgufEngine engine, EngineSequence sequence, int[] tokens, int from)
    {
        var batch = new StepBatch(tokens.Length);
        for (var i = from; i < tokens.Length - 1; i++) batch.Add(tokens[i], i, sequence, 0, 1);
        batch.AddOutput(tokens[^1], tokens.Length - 1, sequence, 0, 1);
        return engine.Execute(batch);
    }

    /// <summary>Computes what is left of the tokens, then <paramref name="count"/> new ones greedily; returns all.</summary>
    private static int[] Continue(GgufEngine engine, EngineSequence sequence, int[] tokens, int from, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(ExecutionStatus.Completed, Feed(engine, sequence, tokens, from));
            from = tokens.Length;
            tokens = [.. tokens, GreedyRun.ArgMax(engine.Logits(0))];
        }
        return tokens;
    }

    /// <summary>Cells that llama.cpp itself has left: the longest text that a call takes.</summary>
    private static int FreeCells(GgufEngine engine, Reference reference)
    {
        int low = 0, high = PoolTokens;
        while (low < high)
        {
            var tried = (low + high + 1) / 2;
            var status = Feed(engine, C, Text(reference, tried), 0);
            engine.Clear(C);
            if (status == ExecutionStatus.Completed) low = tried;
            else high = tried - 1;
        }
        return low;
    }
}
