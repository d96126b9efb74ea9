using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Scheduling;

public sealed class FairnessTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void OneLongPromptTakesTwoFifthsOfTheStreamsTimeWhosoeverItIs(string tenant)
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 4096, TrainedContextTokens = 4096 }, o => o with { Parallel = 16, PrefixCache = false });
        var largest = 0;
        harness.Engine.BeforeStep = batch =>
        {
            harness.Time.Advance(TimeSpan.FromMilliseconds(10 + batch.Count));
            largest = Math.Max(largest, batch.Count);
            return ExecutionStatus.Completed;
        };
        for (var i = 0; i < 8; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 8), 200, "a"));
        for (var step = 0; step < 40; step++) harness.Loop.Step();
        var prompt = harness.Request(LoopHarness.Prompt(9, 600), 1, tenant);
        harness.Loop.Submit(prompt);
        (largest, var steps) = (0, 0);
        while (harness.Collector.Answers.GetValueOrDefault((prompt.Id, 0))?.Finish is null)
        {
            harness.Loop.Step();
            Assert.True(++steps < 150, "the prompt does not come on");
        }
        // Eight rows take 18 ms: seven tokens more, a millisecond each.
        Assert.InRange(largest, 14, 17);
        harness.Settle();
    }

    [Fact]
    public void TenantWithTenTimesTheLoadDoesNotMoveTheOthersLatency()
    {
        var alone = LatenciesOfLightTenant(heavyRequests: 0);
        var beside = LatenciesOfLightTenant(heavyRequests: 200);
        // In steps, at the 95th percentile; the step itself is as long as the engine makes it.
        Assert.True(P95(beside) <= P95(alone) * 1.2, $"{P95(beside)} steps beside a heavy tenant, {P95(alone)} alone");
    }

    [Fact]
    public void BackloggedTenantsGetServiceWithinABound()
    {
        using var harness = new LoopHarness(configure: o => o with { Parallel = 4 });
        for (var i = 0; i < 60; i++)
            for (var tenant = 0; tenant < 3; tenant++)
                harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 10 + (tenant * 10)), 20 + (tenant * 5), $"t{tenant}"));
        for (var i = 0; i < 600; i++) harness.Loop.Step();
        // Service in weighted tokens; the bound of the method is a few requests' worth.
        var service = new double[3];
        foreach (var ((id, _), answer) in harness.Collector.Answers)
            service[(id.Value - 1) % 3] += (2.0 * answer.Tokens.Count) + 10 + ((id.Value - 1) % 3 * 10);
        Assert.True(service.Max() - service.Min() <= 4 * 4 * 80, string.Join(" ", service));
    }

    [Fact]
    public void WeightsShareThePlacesInProportion()
    {
        using var harness = new LoopHarness(configure: o => o with { Parallel = 8, TenantWeights = new Dictionary<string, double> { ["big"] = 3 } });
        for (var i = 0; i < 80; i++)
        {
            harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 40, "big"));
            harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 40, "small"));
        }
        for (var i = 0; i < 400; i++) harness.Loop.Step();
        double big = Tokens(1), small = Tokens(0);
        Assert.InRange(big / small, 2, 4);

        int Tokens(ulong odd) => harness.Collector.Answers.Where(a => a.Key.Id.Value % 2 == odd).Sum(a => a.Value.Tokens.Count);
    }

    [Fact]
    public void InteractiveWorkGoesBeforeBatchAndBatchIsNotStarved()
    {
        using var harness = new LoopHarness(configure: o => o with { Parallel = 2, BatchAging = TimeSpan.FromMilliseconds(500) });
        for (var i = 0; i < 6; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 60, "b") with { Priority = Priority.Batch });
        for (var i = 0; i < 20; i++) Step();
        var interactive = harness.Request(LoopHarness.Prompt(9, 5), 10, "i");
        harness.Loop.Submit(interactive);
        for (var i = 0; i < 12; i++) Step();
        Assert.NotNull(harness.Collector.Answers[(interactive.Id, 0)].Finish);
        for (var i = 0; i < 1_500; i++)
        {
            if (i % 8 == 0) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 10, "i"));
            Step();
        }
        Assert.All(Enumerable.Range(1, 6), id => Assert.NotNull(harness.Collector[(ulong)id].Finish));

        void Step()
        {
            harness.Loop.Step();
            harness.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    [Fact]
    public void MaximumShareHoldsEvenWithNobodyElse()
    {
        using var harness = new LoopHarness(configure: o => o with { Parallel = 8, MaxTenantShare = 0.5 });
        for (var i = 0; i < 20; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 5), 30));
        for (var i = 0; i < 10; i++)
        {
            harness.Loop.Step();
            Assert.True(harness.Counters.Running <= 4);
        }
    }

    [Fact]
    public void SecondRequestStartsWhileALongGenerationRuns()
    {
        using var harness = new LoopHarness();
        harness.Loop.Submit(harness.Request(LoopHarness.Prompt(1, 10), 300, "a"));
        for (var i = 0; i < 10; i++) harness.Loop.Step();
        var second = harness.Request(LoopHarness.Prompt(2, 40), 5, "b");
        harness.Loop.Submit(second);
        for (var i = 0; i < 3; i++) harness.Loop.Step();
        Assert.True(harness.Collector.Answers[(second.Id, 0)].Tokens.Count >= 1);
    }

    private static List<int> LatenciesOfLightTenant(int heavyRequests)
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { PoolTokens = 4096, MaxSequences = 64 });
        for (var i = 0; i < heavyRequests; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 20), 60, "heavy"));
        for (var i = 0; i < 30; i++) harness.Loop.Step();
        var latencies = new List<int>();
        for (var round = 0; round < 20; round++)
        {
            var request = harness.Request(LoopHarness.Prompt(1000 + round, 20), 20, "light");
            harness.Loop.Submit(request);
            var steps = 0;
            while (!harness.Collector.Answers.TryGetValue((request.Id, 0), out var answer) || answer.Finish is null)
            {
                harness.Loop.Step();
                harness.Time.Advance(TimeSpan.FromMilliseconds(1));
                Assert.True(++steps < 5_000);
            }
            latencies.Add(steps);
        }
        return latencies;
    }

    private static int P95(List<int> values) => values.Order().ElementAt((int)(values.Count * 0.95) - 1);
}
