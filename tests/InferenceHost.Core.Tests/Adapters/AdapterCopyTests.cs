using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Tests.Execution;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Adapters;

/// <summary>Engines that copy an adapter into its slot in parts, a part between two steps.</summary>
public sealed class AdapterCopyTests
{
    private const int Parts = 5;

    private static readonly int[] s_prompt = LoopHarness.Prompt(1, 10);

    [Fact]
    public void ARunningStreamGetsATokenEveryStepWhileAnAdapterIsCopied()
    {
        using var harness = InParts(2);
        var running = harness.Request(s_prompt, 30);
        var waiting = With(harness.Request(s_prompt, 10), 1);
        harness.Loop.Submit(running);
        harness.Loop.Step();
        harness.Loop.Submit(waiting);
        for (var parts = 1; parts < Parts; parts++)
        {
            harness.Loop.Step();
            Assert.Equal(1 + parts, harness.Collector.Answers[(running.Id, 0)].Tokens.Count);
            Assert.False(harness.Collector.Answers.ContainsKey((waiting.Id, 0)));
        }
        harness.Settle();
        Assert.Equal(Expected(harness, 10, 1), harness.Collector.Answers[(waiting.Id, 0)].Tokens);
        Assert.Equal(Expected(harness, 30, 0), harness.Collector.Answers[(running.Id, 0)].Tokens);
        Assert.Equal(1, harness.Engine.MostCopiesBetweenSteps);
        Assert.Equal(1, harness.Counters.AdapterLoads);
    }

    [Fact]
    public void WhatWasCopiedForASequenceIsNotTakenBeforeItHasRun()
    {
        using var harness = InParts(6, ScriptedEngine.DefaultCapabilities with { AdapterSlots = 1 });
        harness.Loop.Submit(harness.Request(s_prompt, 60));
        var requests = Enumerable.Range(1, 6).Select(adapter => With(harness.Request(s_prompt, 5, $"t{adapter}"), adapter)).ToList();
        requests.ForEach(harness.Loop.Submit);
        harness.Settle();
        for (var i = 0; i < requests.Count; i++)
            Assert.Equal(Expected(harness, 5, i + 1), harness.Collector.Answers[(requests[i].Id, 0)].Tokens);
        Assert.Equal((6, 5), (harness.Counters.AdapterLoads, harness.Counters.AdapterEvictions));
        Assert.Equal(1, harness.Engine.MostCopiesBetweenSteps);
    }

    [Fact]
    public void AnAdapterThatIsToBeLoadedIsReadyWhenItIsWhole()
    {
        using var harness = InParts(0);
        var ready = new List<string>();
        foreach (var name in new[] { "a", "b", "c" })
            harness.Loop.RegisterAdapter(name, $"{name}.gguf", install: true, failure => ready.Add(name + failure));
        harness.Loop.Step();
        for (var parts = 2; parts < Parts; parts++)
        {
            // A step each.
            Assert.Equal(AdapterTier.Cached, Tier(harness, "a"));
            Assert.Empty(ready);
        }
        Assert.Equal(AdapterTier.Loaded, Tier(harness, "a"));
        Assert.Equal(["a"], ready);
        harness.Settle();
        Assert.Equal(["a", "b", "c"], ready);
        Assert.Equal(AdapterTier.Loaded, Tier(harness, "c"));
        // Nobody uses them: their slots may be taken.
        Assert.Equal(3, harness.Counters.AdapterSlotsUsed);
    }

    [Fact]
    public void WhatIsDroppedWhileItIsCopiedMakesRoomForTheNext()
    {
        using var harness = InParts(0);
        var (ready, gone) = (new List<string>(), false);
        foreach (var name in new[] { "a", "b" })
            harness.Loop.RegisterAdapter(name, $"{name}.gguf", install: true, failure => ready.Add(name + failure));
        harness.Loop.Step();
        harness.Loop.DropAdapter("a", () => gone = true);
        harness.Settle();
        Assert.True(gone);
        Assert.Equal(["a", "b"], ready);
        Assert.Equal(AdapterTier.Loaded, Tier(harness, "b"));
        Assert.Equal((1, 1), (harness.Counters.AdapterSlotsUsed, harness.Engine.LivingAdapters));
    }

    [Fact]
    public void ARequestThatIsCancelledWhileItsAdapterIsCopiedLeavesTheSlotToOthers()
    {
        using var harness = InParts(2, ScriptedEngine.DefaultCapabilities with { AdapterSlots = 1 });
        var cancelled = With(harness.Request(s_prompt, 5), 1);
        var other = With(harness.Request(s_prompt, 5), 2);
        harness.Loop.Submit(cancelled);
        harness.Loop.Step();
        harness.Loop.Cancel(cancelled.Id);
        harness.Loop.Submit(other);
        harness.Settle();
        Assert.Equal(FinishReason.Cancelled, harness.Collector.Answers[(cancelled.Id, 0)].Finish!.Reason);
        Assert.Equal(Expected(harness, 5, 2), harness.Collector.Answers[(other.Id, 0)].Tokens);
    }

    [Fact]
    public void NobodyGivesWayForASequenceWhoseAdapterIsStillCopied()
    {
        using var harness = InParts(1, configure: options => options with { Parallel = 1, PreemptionQuantumTokens = 1 });
        var background = harness.Request(s_prompt, 40) with { Priority = Priority.Batch };
        var urgent = With(harness.Request(s_prompt, 5, "u"), 1) with { Priority = Priority.Interactive };
        harness.Loop.Submit(background);
        for (var i = 0; i < 5; i++) harness.Loop.Step();
        var before = harness.Collector.Answers[(background.Id, 0)].Tokens.Count;
        harness.Loop.Submit(urgent);
        for (var parts = 1; parts < Parts; parts++) harness.Loop.Step();
        Assert.Equal(before + Parts - 1, harness.Collector.Answers[(background.Id, 0)].Tokens.Count);
        harness.Loop.Step();
        Assert.Equal(1, harness.Counters.Preemptions);
        harness.Settle();
        Assert.Equal(Expected(harness, 5, 1), harness.Collector.Answers[(urgent.Id, 0)].Tokens);
        Assert.Equal(Expected(harness, 40, 0), harness.Collector.Answers[(background.Id, 0)].Tokens);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(Parts, 0)]
    [InlineData(Parts, 3)]
    public void ACopyThatFailsEndsItsUsersAndNobodyElseAndIsTriedAgainForTheNext(int parts, int failsAfter)
    {
        using var harness = InParts(2);
        harness.Engine.CopySteps = parts;
        var calls = 0;
        harness.Engine.CopyFails = path => path == "1.gguf" && calls++ >= failsAfter;
        var other = harness.Request(s_prompt, 30);
        var neighbour = With(harness.Request(s_prompt, 10), 2);
        SequenceRequest[] victims = [With(harness.Request(s_prompt, 10), 1), With(harness.Request(s_prompt, 10, "u"), 1)];
        harness.Loop.Submit(other);
        foreach (var victim in victims) harness.Loop.Submit(victim);
        harness.Loop.Submit(neighbour);
        harness.Settle();
        foreach (var victim in victims)
        {
            var refusal = harness.Collector.Answers[(victim.Id, 0)].Finish!.Refusal!;
            Assert.Equal(("ADAPTER_UNREADABLE", "no memory for 1.gguf"), (refusal.Reason, refusal.Message));
        }
        Assert.Equal(Expected(harness, 30, 0), harness.Collector.Answers[(other.Id, 0)].Tokens);
        Assert.Equal(Expected(harness, 10, 2), harness.Collector.Answers[(neighbour.Id, 0)].Tokens);
        Assert.Equal(1, harness.Counters.AdapterSlotsUsed);
        string? told = null;
        harness.Loop.RegisterAdapter("1", "1.gguf", install: true, failure => told = failure);
        harness.Settle();
        Assert.Equal("no memory for 1.gguf", told);
        harness.Engine.CopyFails = _ => false;
        Assert.Equal(Expected(harness, 10, 1), harness.Run(With(harness.Request(s_prompt, 10), 1)).Tokens);
        Assert.Equal(2, harness.Counters.AdapterSlotsUsed);
    }

    [Fact]
    public void AFileThatIsGoneForAWhileEndsItsUsersAndIsReadAgainForTheNext()
    {
        using var harness = new LoopHarness(options: o => o with { AdapterMemoryBytes = 1 });
        harness.Loop.RegisterAdapter("1", "1.gguf", install: false, failure => Assert.Null(failure));
        harness.Settle();
        harness.Engine.IsGone = _ => true;
        Assert.Equal("ADAPTER_UNREADABLE", harness.Run(With(harness.Request(s_prompt, 10), 1)).Finish!.Refusal!.Reason);
        harness.Engine.IsGone = _ => false;
        Assert.Equal(Expected(harness, 10, 1), harness.Run(With(harness.Request(s_prompt, 10), 1)).Tokens);
    }

    [Fact]
    public void WhatWasCopiedForASequenceThatFindsNoPlaceMakesWayAfterAWhile()
    {
        using var harness = InParts(2, ScriptedEngine.DefaultCapabilities with { AdapterSlots = 1 }, options => options with { Parallel = 1, PreemptionQuantumTokens = 1 });
        var first = With(harness.Request(s_prompt, 5), 1) with { Priority = Priority.Batch };
        harness.Loop.Submit(first);
        harness.Loop.Step();
        // While its adapter is copied somebody else takes the only place, and an urgent one comes with another adapter.
        var running = harness.Request(s_prompt, 300) with { Priority = Priority.Batch };
        harness.Loop.Submit(running);
        for (var i = 0; i < Parts; i++) harness.Loop.Step();
        var urgent = With(harness.Request(s_prompt, 5, "u"), 2) with { Priority = Priority.Interactive };
        harness.Loop.Submit(urgent);
        for (var i = 0; i < 100; i++) harness.Loop.Step();
        Assert.Equal(Expected(harness, 5, 2), harness.Collector.Answers[(urgent.Id, 0)].Tokens);
        Assert.Null(harness.Collector.Answers[(running.Id, 0)].Finish);
        harness.Settle();
        Assert.Equal(Expected(harness, 5, 1), harness.Collector.Answers[(first.Id, 0)].Tokens);
    }

    private static LoopHarness InParts(int adapters, EngineCapabilities? capabilities = null, Func<SchedulerOptions, SchedulerOptions>? configure = null)
    {
        var harness = new LoopHarness(capabilities, configure);
        harness.Engine.CopySteps = Parts;
        for (var i = 1; i <= adapters; i++) harness.Loop.RegisterAdapter($"{i}", $"{i}.gguf", install: false, failure => Assert.Null(failure));
        return harness;
    }

    private static AdapterTier Tier(LoopHarness harness, string generation)
    {
        AdapterTier? tier = null;
        harness.Loop.ReadAdapters(all => tier = all.Single(adapter => adapter.Generation == generation).Tier);
        harness.Loop.Step();
        return tier ?? throw new InvalidOperationException();
    }

    private static SequenceRequest With(SequenceRequest request, int adapter) => request with { Adapter = new AdapterBinding($"{adapter}", 1) };

    private static int[] Expected(LoopHarness harness, int count, int adapter) => EngineLoopTests.ExpectIgnoringEnd(harness, s_prompt, count, adapter == 0 ? "" : $"{adapter}.gguf");
}
