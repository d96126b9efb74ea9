using InferenceHost.Core.Requests;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class PressureTests
{
    [Fact]
    public void PreemptedSequencesGoOnWithTheSameOutput()
    {
        // Eight sequences of up to 150 tokens in a pool of 400: somebody must step back.
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 400 });
        var requests = Enumerable.Range(0, 8).Select(i => harness.Request(LoopHarness.Prompt(i, 20), 130)).ToList();
        requests.ForEach(harness.Loop.Submit);
        harness.Settle();
        Assert.True(harness.Counters.Preemptions > 0);
        Assert.Equal(0, harness.Counters.FailedSteps);
        foreach (var request in requests)
            Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, request.Prompt.ToArray(), 130), harness.Collector.Answers[(request.Id, 0)].Tokens);
    }

    [Fact]
    public void PromptsThatFillThePoolBetweenThemStillEnd()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 300, TrainedContextTokens = 300 });
        var requests = Enumerable.Range(0, 6).Select(i => harness.Request(LoopHarness.Prompt(i, 280), 15)).ToList();
        requests.ForEach(harness.Loop.Submit);
        harness.Settle();
        Assert.All(requests, r => Assert.Equal(15, harness.Collector.Answers[(r.Id, 0)].Tokens.Count));
    }

    [Fact]
    public void CancelInAnyStateFreesEverything()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 400 }, o => o with { PrefixCache = false });
        var random = new Random(1);
        var open = new List<SequenceId>();
        for (var i = 0; i < 20_000; i++)
        {
            var request = harness.Request(LoopHarness.Prompt(i, random.Next(1, 60)), random.Next(1, 60));
            harness.Loop.Submit(request);
            open.Add(request.Id);
            if (open.Count <= 10) continue;
            harness.Loop.Step();
            var cancel = random.Next(open.Count);
            harness.Loop.Cancel(open[cancel]);
            open.RemoveAt(cancel);
        }
        open.ForEach(harness.Loop.Cancel);
        harness.Settle();
        var counters = harness.Counters;
        Assert.Equal(0, counters.UsedCells);
        Assert.Equal(0, harness.Engine.UsedCells);
        Assert.Equal(counters.CellsAcquired, counters.CellsReleased);
        Assert.Equal((0, 0), (counters.Running, counters.Waiting));
        Assert.Equal(20_000, counters.Finished);
    }
}
