using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class PrefixCacheTests
{
    [Fact]
    public void RepeatedPromptIsComputedOnce()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(1, 100);
        var first = harness.Run(harness.Request(prompt, 10));
        var second = harness.Run(harness.Request(prompt, 10));
        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal(0, first.Finish!.Usage.CachedPromptTokens);
        Assert.Equal(99, second.Finish!.Usage.CachedPromptTokens);
    }

    [Fact]
    public void MultiTurnChatReusesItsOwnHistory()
    {
        using var harness = new LoopHarness();
        var history = LoopHarness.Prompt(2, 40).ToList();
        for (var turn = 0; turn < 5; turn++)
        {
            var answer = harness.Run(harness.Request([.. history], 20));
            if (turn > 0) Assert.Equal(history.Count - 10 - 1, answer.Finish!.Usage.CachedPromptTokens);
            history.AddRange(answer.Tokens);
            history.AddRange(LoopHarness.Prompt(100 + turn, 10));
        }
    }

    [Fact]
    public void PromptsOfARunningSequenceAreSharedToo()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(3, 60);
        harness.Loop.Submit(harness.Request(prompt, 100));
        for (var i = 0; i < 3; i++) harness.Loop.Step();
        var second = harness.Request([.. prompt, 1, 2, 3], 10);
        harness.Loop.Submit(second);
        harness.Settle();
        Assert.Equal(60, harness.Collector.Answers[(second.Id, 0)].Finish!.Usage.CachedPromptTokens);
    }

    [Fact]
    public void NothingIsSharedAcrossTenantsOrAdaptersOrStrengths()
    {
        using var harness = new LoopHarness();
        harness.Loop.RegisterAdapter("A", "a.gguf", install: false, _ => { });
        var prompt = LoopHarness.Prompt(4, 50);
        harness.Run(harness.Request(prompt, 5, "one"));
        Assert.Equal(0, Cached(harness.Request(prompt, 5, "two")));
        Assert.Equal(0, Cached(harness.Request(prompt, 5, "one") with { Adapter = new AdapterBinding("A", 1) }));
        Assert.Equal(0, Cached(harness.Request(prompt, 5, "one") with { Adapter = new AdapterBinding("A", 0.5f) }));
        Assert.Equal(49, Cached(harness.Request(prompt, 5, "one") with { Adapter = new AdapterBinding("A", 1) }));
        Assert.Equal(49, Cached(harness.Request(prompt, 5, "one")));

        int Cached(SequenceRequest request) => harness.Run(request).Finish!.Usage.CachedPromptTokens;
    }

    [Fact]
    public void TimeTellsNoTenantWhatAnotherHasAsked()
    {
        using var harness = new LoopHarness();
        harness.Engine.BeforeStep = batch =>
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(10 + batch.Count));
            return ExecutionStatus.Completed;
        };
        var fresh = Take(1, "b");
        Assert.Equal(fresh, Take(2, "a"));
        Assert.InRange(Take(2, "a"), TimeSpan.Zero, fresh / 3);
        Assert.Equal(fresh, Take(2, "b"));

        TimeSpan Take(int prompt, string tenant)
        {
            var startedAt = harness.Time.GetTimestamp();
            harness.Run(harness.Request(LoopHarness.Prompt(prompt, 100), 1, tenant));
            return harness.Time.GetElapsedTime(startedAt);
        }
    }

    [Fact]
    public void CancelledPrefillIsNotLost()
    {
        using var harness = new LoopHarness();
        var prompt = LoopHarness.Prompt(5, 300);
        var cancelled = harness.Request(prompt, 10);
        harness.Loop.Submit(cancelled);
        for (var i = 0; i < 3; i++) harness.Loop.Step();
        harness.Loop.Cancel(cancelled.Id);
        harness.Settle();
        Assert.True(harness.Run(harness.Request(prompt, 10)).Finish!.Usage.CachedPromptTokens >= 64);
    }

    [Fact]
    public void TheCacheGivesWayToWork()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 256, TrainedContextTokens = 256 });
        for (var i = 0; i < 20; i++)
        {
            var prompt = LoopHarness.Prompt(i, 150);
            Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, prompt, 50), harness.Run(harness.Request(prompt, 50)).Tokens);
        }
        Assert.Equal(0, harness.Counters.FailedSteps);
    }

    [Fact]
    public void TheCacheKeepsToItsBudget()
    {
        using var harness = new LoopHarness(configure: o => o with { PrefixCacheTokens = 120 });
        for (var i = 0; i < 20; i++)
        {
            harness.Run(harness.Request(LoopHarness.Prompt(i, 50), 5));
            Assert.True(harness.Counters.CachedCells <= 120);
        }
    }

    [Fact]
    public void MemoryThatCannotBeTrimmedIsNeverShared()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { CanTrim = false, CanSharePrefix = false }, o => o with { Speculation = true });
        var failures = 0;
        harness.Engine.FailuresLeaveRows = true;
        harness.Engine.BeforeStep = _ => ++failures % 5 == 0 ? ExecutionStatus.Failed : ExecutionStatus.Completed;
        var prompt = LoopHarness.Prompt(6, 60);
        for (var i = 0; i < 3; i++)
        {
            var answer = harness.Run(harness.Request(prompt, 20));
            Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, prompt, 20), answer.Tokens);
            Assert.Equal(0, answer.Finish!.Usage.CachedPromptTokens);
        }
        Assert.Equal(0, harness.Counters.UsedCells);
    }
}
