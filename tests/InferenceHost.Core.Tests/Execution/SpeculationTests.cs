using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class SpeculationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.7f)]
    [InlineData(1.5f)]
    public void DraftsChangeNoTokenAtAnyTemperature(float temperature)
    {
        var sampling = new SamplingParameters { Temperature = temperature, Seed = 5, TopK = 4 };
        // A prompt that repeats itself, so that there is something to draft.
        int[] prompt = [.. Enumerable.Repeat(LoopHarness.Prompt(1, 12), 6).SelectMany(p => p)];
        using var plain = new LoopHarness();
        using var drafting = new LoopHarness(configure: o => o with { Speculation = true });
        for (var i = 0; i < 5; i++)
        {
            var expected = plain.Run(plain.Request(prompt, 40) with { Sampling = sampling with { Seed = (ulong)i } });
            var actual = drafting.Run(drafting.Request(prompt, 40) with { Sampling = sampling with { Seed = (ulong)i } });
            Assert.Equal(expected.Tokens, actual.Tokens);
            Assert.Equal(expected.Text.ToString(), actual.Text.ToString());
            Assert.Equal(FinishReason.MaxTokens, actual.Finish!.Reason);
        }
        Assert.True(drafting.Counters.DraftTokens > 0);
        Assert.Equal(0, plain.Counters.DraftTokens);
    }

    [Fact]
    public void RightDraftsSaveSteps()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities, o => o with { Speculation = true });
        harness.Engine.Cycle = 7;
        var answer = harness.Run(harness.Request([.. Enumerable.Range(0, 28).Select(i => i % 7)], 100));
        Assert.Equal(Enumerable.Range(28, 100).Select(i => i % 7), answer.Tokens);
        Assert.True(harness.Engine.Steps < 60, $"{harness.Engine.Steps} steps for 100 tokens");
        Assert.True(answer.Finish!.Usage.AcceptedDraftTokens > 40);
    }

    [Fact]
    public void APromptDoesNotWaitForDrafts()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 8192, TrainedContextTokens = 1024 }, o => o with { Speculation = true, Parallel = 16 });
        harness.Engine.Cycle = 7;
        for (var i = 0; i < 8; i++) harness.Loop.Submit(harness.Request([.. Enumerable.Range(0, 28).Select(j => (i + j) % 7)], 900));
        for (var step = 0; step < 30; step++) harness.Loop.Step();
        Assert.True(harness.Counters.DraftTokens > 0);
        var prompt = harness.Request(LoopHarness.Prompt(9, 40), 1);
        harness.Loop.Submit(prompt);
        for (var step = 0; step < 5; step++) harness.Loop.Step();
        Assert.NotNull(harness.Collector.Answers[(prompt.Id, 0)].Finish);
        harness.Settle();
    }

    [Theory]
    [InlineData(0, 1000, 2000)]
    [InlineData(8, 0, 32)]
    public void ManyStreamsDraftWhereRowsCostNothingAndNotWhereTheyCostWhatATokenDoes(int millisecondsPerRow, int least, int most)
    {
        var capabilities = ScriptedEngine.DefaultCapabilities with { PoolTokens = 8192 };
        using var harness = new LoopHarness(capabilities, o => o with { Speculation = true, Parallel = 16 });
        harness.Engine.Cycle = 7;
        harness.Engine.BeforeStep = batch =>
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(10 + (batch.Count * millisecondsPerRow)));
            return ExecutionStatus.Completed;
        };
        for (var i = 0; i < 16; i++) harness.Loop.Submit(harness.Request([.. Enumerable.Range(0, 28).Select(j => (i + j) % 7)], 100));
        harness.Settle();
        Assert.InRange(harness.Counters.DraftTokens, least, most);
        Assert.All(harness.Collector.Answers.Values, a => Assert.Equal(100, a.Tokens.Count));
    }
}
