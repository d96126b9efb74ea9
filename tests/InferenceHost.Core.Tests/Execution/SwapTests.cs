using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

/// <summary>Eight sequences of up to 150 tokens in a pool of 400, where a computed token costs time: somebody must step back, and copying is cheaper.</summary>
public sealed class SwapTests
{
    private const int NewTokens = 130;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void APreemptedSequenceComesBackFromHostMemoryWithTheSameOutput(bool canTrim, bool prefixCache)
    {
        using var harness = Pressed(o => o with { PrefixCache = prefixCache }, canTrim);
        var swapped = RunAll(harness);
        Assert.True(swapped.SwappedOutTokens > 200, $"{swapped.SwappedOutTokens} tokens saved");
        Assert.Equal(swapped.SwappedOutTokens, swapped.SwappedInTokens);
        Assert.Equal(0, swapped.SwapBytesHeld);
        Assert.Equal(0, harness.Engine.OpenStates);

        using var recomputing = Pressed(o => o with { PrefixCache = prefixCache, SwapMemoryBytes = 0 }, canTrim);
        var recomputed = RunAll(recomputing);
        Assert.Equal((0, 0), (recomputed.SwappedOutTokens, recomputing.Engine.Saves));
        Assert.True(swapped.PrefillTokens < recomputed.PrefillTokens, $"{swapped.PrefillTokens} tokens prefilled with swapping, {recomputed.PrefillTokens} without");
    }

    [Fact]
    public void StatesKeepToTheirBudget()
    {
        const int budget = 16 * 150;
        using var harness = Pressed(o => o with { SwapMemoryBytes = budget });
        var most = 0L;
        RunAll(harness, () => most = Math.Max(most, harness.Engine.StateBytesHeld));
        Assert.InRange(most, 1, budget);
    }

    [Fact]
    public void FewTokensAreComputedAgain()
    {
        using var harness = Pressed(o => o with { SwapMinimumTokens = 151 });
        Assert.Equal(0, RunAll(harness).SwappedOutTokens);
    }

    [Fact]
    public void WhatCannotBeSavedIsComputedAgain()
    {
        using var harness = Pressed();
        harness.Engine.SaveWorks = () => false;
        Assert.Equal(0, RunAll(harness).SwappedOutTokens);
    }

    [Fact]
    public void WhatCannotBeRestoredIsComputedAgain()
    {
        using var harness = Pressed();
        harness.Engine.RestoreWorks = () => false;
        var counters = RunAll(harness);
        Assert.True(counters.SwappedOutTokens > 0);
        Assert.Equal((0, 0), (counters.SwappedInTokens, counters.SwapBytesHeld));
    }

    [Fact]
    public void SlowCopiesGiveWayToComputing()
    {
        using var harness = Pressed();
        harness.Engine.SaveWorks = () =>
        {
            harness.Time.Advance(TimeSpan.FromSeconds(1));
            return true;
        };
        RunAll(harness);
        Assert.Equal(1, harness.Engine.Saves);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnEndedSequenceFreesItsStateAtOnce(bool byDeadline)
    {
        using var harness = Pressed();
        var requests = Requests(harness).Select(r => r with { Deadline = byDeadline ? TimeSpan.FromSeconds(1) : null }).ToList();
        requests.ForEach(harness.Loop.Submit);
        while (harness.Engine.StateBytesHeld == 0) Assert.True(harness.Loop.Step());
        if (byDeadline) harness.Time.Advance(TimeSpan.FromSeconds(1));
        else requests.ForEach(r => harness.Loop.Cancel(r.Id));
        harness.Loop.Step();
        Assert.Equal((0, 0L), (harness.Engine.OpenStates, harness.Engine.StateBytesHeld));
        Assert.Equal(0, harness.Counters.SwapBytesHeld);
    }

    [Fact]
    public void StatesOutliveAPrefixCacheThatIsDropped()
    {
        using var harness = Pressed();
        var requests = Requests(harness);
        requests.ForEach(harness.Loop.Submit);
        while (harness.Loop.Step()) harness.Loop.DropPrefixCache();
        Check(harness, requests);
    }

    [Fact]
    public void ManySmallCopiesFitBetweenTwoStepsLargeOnesAreSpread()
    {
        using var harness = Pressed();
        var inOneStep = 0;
        var most = 0;
        harness.Engine.RestoreWorks = () =>
        {
            // As long as a third of what copies may take in one step.
            harness.Time.Advance(TimeSpan.FromSeconds(0.017));
            most = Math.Max(most, ++inOneStep);
            return true;
        };
        harness.Engine.BeforeStep = Costing(harness, TimeSpan.FromMilliseconds(10));
        RunAll(harness, () => inOneStep = 0);
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public void HalfAPrefixInTheCacheIsBetterThanAState()
    {
        var engine = Filled();
        var budget = new StepBudget(TimeSpan.Zero);
        budget.Observe(1, 0, 100);
        var store = new SwapStore(engine, new SchedulerOptions { Parallel = 1 }, budget, TimeProvider.System);
        Assert.True(engine.TrySave(new EngineSequence(0), engine.StateBytes(new EngineSequence(0)), out var state));
        Assert.True(store.PaysToRestore(state, 0));
        Assert.True(store.PaysToRestore(state, 49));
        Assert.False(store.PaysToRestore(state, 50));
        state.Dispose();
    }

    [Fact]
    public void WhatSmallChunksCostATokenDoesNotMakeCopyingPay()
    {
        using var harness = new LoopHarness();
        var engine = Filled();
        var budget = new StepBudget(TimeSpan.Zero);
        budget.Observe(0.020, decodeRows: 8, prefillTokens: 0);
        // 1,600 bytes are copied in 1.5 us, one way, and their hundred tokens computed in 1 us.
        budget.Observe(0.020_001, decodeRows: 8, prefillTokens: 100);
        for (var i = 0; i < 200; i++) budget.Observe(0.032, decodeRows: 8, prefillTokens: 4);
        var store = new SwapStore(engine, new SchedulerOptions { Parallel = 1 }, budget, TimeProvider.System);
        var sequence = new Sequence(harness.Request(LoopHarness.Prompt(1, 100), 1), 0, 1, new Tenant("t", 1), 0);
        store.TrySave(sequence, new EngineSequence(0), 100, 100);
        Assert.Null(sequence.Saved);
        Assert.True(engine.TrySave(new EngineSequence(0), engine.StateBytes(new EngineSequence(0)), out var state));
        Assert.False(store.PaysToRestore(state, 0));
        state.Dispose();
    }

    // A hundred tokens under number 0.
    private static ScriptedEngine Filled()
    {
        var engine = new ScriptedEngine();
        var batch = new StepBatch(100);
        for (var i = 0; i < 100; i++) batch.Add(i % 60, i, new EngineSequence(0), 0, 1);
        engine.Execute(batch);
        return engine;
    }

    private static LoopHarness Pressed(Func<SchedulerOptions, SchedulerOptions>? configure = null, bool canTrim = true)
    {
        var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 400, CanTrim = canTrim, CanSharePrefix = canTrim }, configure);
        harness.Engine.BeforeStep = Costing(harness, TimeSpan.FromMicroseconds(10));
        return harness;
    }

    private static Func<StepBatch, ExecutionStatus> Costing(LoopHarness harness, TimeSpan perRow) => batch =>
    {
        harness.Time.Advance(batch.Count * perRow);
        return ExecutionStatus.Completed;
    };

    private static List<SequenceRequest> Requests(LoopHarness harness) =>
        [.. Enumerable.Range(0, 8).Select(i => harness.Request(LoopHarness.Prompt(i, 20), NewTokens, $"t{i % 2}"))];

    private static LoopCounters RunAll(LoopHarness harness, Action? afterStep = null)
    {
        var requests = Requests(harness);
        requests.ForEach(harness.Loop.Submit);
        while (harness.Loop.Step()) afterStep?.Invoke();
        Check(harness, requests);
        return harness.Counters;
    }

    private static void Check(LoopHarness harness, List<SequenceRequest> requests)
    {
        Assert.Equal(0, harness.Counters.FailedSteps);
        Assert.Equal(harness.Counters.UsedCells, harness.Engine.UsedCells);
        foreach (var request in requests)
            Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, request.Prompt.ToArray(), NewTokens), harness.Collector.Answers[(request.Id, 0)].Tokens);
    }
}
