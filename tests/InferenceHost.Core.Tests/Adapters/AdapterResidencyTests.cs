using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Tests.Execution;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Adapters;

public sealed class AdapterResidencyTests
{
    [Fact]
    public void AdaptersOfOneBatchEachGiveTheirOwnTokens()
    {
        using var harness = new LoopHarness();
        Register(harness, 4);
        var prompt = LoopHarness.Prompt(1, 20);
        var requests = Enumerable.Range(0, 10).Select(i => With(harness.Request(prompt, 20), i % 5)).ToList();
        requests.ForEach(harness.Loop.Submit);
        harness.Settle();
        for (var i = 0; i < 10; i++)
            Assert.Equal(Expected(harness, prompt, 20, i % 5), harness.Collector.Answers[(requests[i].Id, 0)].Tokens);
    }

    [Fact]
    public void MoreAdaptersThanSlotsTakeTurnsAndAreAllServed()
    {
        using var harness = new LoopHarness();
        Register(harness, 12);
        var prompt = LoopHarness.Prompt(2, 20);
        var requests = Enumerable.Range(0, 48).Select(i => With(harness.Request(prompt, 10, $"t{i % 12}"), 1 + (i % 12))).ToList();
        requests.ForEach(harness.Loop.Submit);
        harness.Settle();
        for (var i = 0; i < requests.Count; i++)
            Assert.Equal(Expected(harness, prompt, 10, 1 + (i % 12)), harness.Collector.Answers[(requests[i].Id, 0)].Tokens);
        var counters = harness.Counters;
        Assert.True(counters.AdapterEvictions >= 8);
        // Bounded: no more copies than requests.
        Assert.True(counters.AdapterLoads <= 48);
    }

    [Fact]
    public void EngineWithoutRoutingGroupsByAdapterInFairTurns()
    {
        using var harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { AdapterMode = AdapterMode.Grouped });
        Register(harness, 3);
        harness.Engine.BeforeStep = batch =>
        {
            var slot = batch.AdapterSlots[0];
            Assert.False(batch.AdapterSlots.ContainsAnyExcept(slot));
            Assert.False(batch.AdapterScales.ContainsAnyExcept(batch.AdapterScales[0]));
            return ExecutionStatus.Completed;
        };
        var prompt = LoopHarness.Prompt(3, 20);
        var requests = Enumerable.Range(0, 8).Select(i => Weaker(With(harness.Request(prompt, 40), i % 4), i >= 4)).ToList();
        requests.ForEach(harness.Loop.Submit);
        for (var i = 0; i < 60; i++) harness.Loop.Step();
        // Long before anyone has ended, everyone has begun.
        Assert.All(requests, r => Assert.NotEmpty(harness.Collector.Answers[(r.Id, 0)].Tokens));
        harness.Settle();
        for (var i = 0; i < 8; i++)
            Assert.Equal(Expected(harness, prompt, 40, i % 4), harness.Collector.Answers[(requests[i].Id, 0)].Tokens);
    }

    [Fact]
    public void UnknownAdapterIsRefused()
    {
        using var harness = new LoopHarness();
        Assert.Equal("ADAPTER_NOT_FOUND", harness.Run(With(harness.Request([1, 2], 3), 1)).Finish!.Refusal!.Reason);
    }

    [Fact]
    public void UnreadableAdapterEndsItsUsersAndNobodyElse()
    {
        var work = new Queue<Action>();
        using var harness = new LoopHarness(options: o => o with { RunOffThread = work.Enqueue });
        string? told = null;
        harness.Loop.RegisterAdapter("bad", "bad.gguf", install: true, failure => told = failure);
        var victim = harness.Request([1, 2], 3) with { Adapter = new AdapterBinding("bad", 1) };
        var other = harness.Request([1, 2], 3);
        harness.Loop.Submit(victim);
        harness.Loop.Submit(other);
        harness.Loop.Step();
        while (work.TryDequeue(out var job)) job();
        harness.Settle();
        Assert.Contains("bad.gguf", told, StringComparison.Ordinal);
        Assert.Equal("ADAPTER_UNREADABLE", harness.Collector.Answers[(victim.Id, 0)].Finish!.Refusal!.Reason);
        Assert.Equal(3, harness.Collector.Answers[(other.Id, 0)].Tokens.Count);
    }

    [Fact]
    public void AdapterThatIsStillReadDelaysNobodyElse()
    {
        var work = new Queue<Action>();
        using var harness = new LoopHarness(options: o => o with { RunOffThread = work.Enqueue });
        Register(harness, 1);
        var waiting = With(harness.Request(LoopHarness.Prompt(1, 10), 5), 1);
        var other = harness.Request(LoopHarness.Prompt(2, 10), 5);
        harness.Loop.Submit(waiting);
        harness.Loop.Submit(other);
        for (var i = 0; i < 10; i++) harness.Loop.Step();
        Assert.NotNull(harness.Collector.Answers[(other.Id, 0)].Finish);
        Assert.False(harness.Collector.Answers.ContainsKey((waiting.Id, 0)));
        while (work.TryDequeue(out var job)) job();
        harness.Settle();
        Assert.Equal(Expected(harness, waiting.Prompt.ToArray(), 5, 1), harness.Collector.Answers[(waiting.Id, 0)].Tokens);
    }

    [Fact]
    public void DropWaitsForTheRequestsThatUseIt()
    {
        using var harness = new LoopHarness();
        Register(harness, 1);
        var request = With(harness.Request(LoopHarness.Prompt(1, 10), 50), 1);
        harness.Loop.Submit(request);
        harness.Loop.Step();
        var gone = false;
        harness.Loop.DropAdapter("1", () => gone = true);
        for (var i = 0; i < 10; i++) harness.Loop.Step();
        Assert.False(gone);
        Assert.Equal("ADAPTER_NOT_FOUND", harness.Run(With(harness.Request([1], 2), 1)).Finish!.Refusal!.Reason);
        Assert.True(gone);
        Assert.Equal(Expected(harness, request.Prompt.ToArray(), 50, 1), harness.Collector.Answers[(request.Id, 0)].Tokens);
        Assert.Equal(0, harness.Counters.AdapterSlotsUsed);
    }

    [Fact]
    public void MemoryBudgetSendsUnusedAdaptersBackToDisk()
    {
        using var harness = new LoopHarness(options: o => o with { AdapterMemoryBytes = 6_000 });
        Register(harness, 20);
        harness.Settle();
        IReadOnlyList<AdapterResidence> adapters = [];
        harness.Loop.ReadAdapters(a => adapters = a);
        harness.Loop.Step();
        Assert.Equal(20, adapters.Count);
        Assert.True(adapters.Count(a => a.Tier == AdapterTier.Cached) <= 6);
        Assert.Equal(Expected(harness, [5, 6], 5, 1), harness.Run(With(harness.Request([5, 6], 5), 1)).Tokens);
    }

    [Fact]
    public void AnAdapterThatIsToBeLoadedGetsASlotHoweverLittleMemoryThereIsBesides()
    {
        using var harness = new LoopHarness(options: o => o with { AdapterMemoryBytes = 1 });
        IReadOnlyList<AdapterResidence> adapters = [];
        for (var i = 1; i <= 6; i++)
        {
            harness.Loop.RegisterAdapter($"{i}", $"{i}.gguf", install: true, failure => Assert.Null(failure));
            harness.Settle();
            harness.Loop.ReadAdapters(a => adapters = a);
            harness.Loop.Step();
            Assert.Equal(AdapterTier.Loaded, adapters.Single(a => a.Generation == $"{i}").Tier);
        }
        // Slots do not count; what left one is on disk again.
        Assert.Equal((4, 2), (adapters.Count(a => a.Tier == AdapterTier.Loaded), adapters.Count(a => a.Tier == AdapterTier.Stored)));
        Assert.Equal(4, harness.Engine.LivingAdapters);
    }

    private static void Register(LoopHarness harness, int count)
    {
        for (var i = 1; i <= count; i++) harness.Loop.RegisterAdapter($"{i}", $"{i}.gguf", install: false, failure => Assert.Null(failure));
    }

    private static SequenceRequest With(SequenceRequest request, int adapter) => adapter == 0 ? request : request with { Adapter = new AdapterBinding($"{adapter}", 1) };

    private static SequenceRequest Weaker(SequenceRequest request, bool weaker) =>
        weaker && request.Adapter is { } binding ? request with { Adapter = binding with { Scale = 0.5f } } : request;

    private static int[] Expected(LoopHarness harness, int[] prompt, int count, int adapter) =>
        EngineLoopTests.ExpectIgnoringEnd(harness, prompt, count, adapter == 0 ? "" : $"{adapter}.gguf");
}
