using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Adapters;

/// <summary>Generations that replace each other while streams run, measured in steps.</summary>
public sealed class AdapterSwapTests
{
    private const int Swaps = 1_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SwapsUnderLoadDelayNoRunningStreamAndEveryStreamKeepsItsGeneration(int seed)
    {
        using var world = new World(AdapterMode.PerRow, slots: 4, seed);
        world.Run();
        // A step with a swap in it is a step like any other: every running stream gets its token, and the new generation's streams begin in it.
        Assert.Equal(0, world.Load.LongestSilence);
        Assert.Equal(1, world.Load.LongestStart);
        Assert.Equal(Swaps + 1, world.Harness.Counters.AdapterLoads);
        Assert.Equal(0, world.Harness.Counters.AdapterEvictions);
        Assert.InRange(world.Load.MostKnown, 2, 5);
    }

    // The new generation waits for the slot of the old one: its own streams wait, nobody else's.
    [Fact]
    public void SwapsWithoutAFreeSlotDelayOnlyTheirOwnStreams()
    {
        using var world = new World(AdapterMode.PerRow, slots: 2, seed: 3);
        world.Run();
        Assert.Equal(0, world.Load.LongestSilence);
        Assert.InRange(world.Load.LongestStart, 2, 40);
    }

    [Fact]
    public void SwapsOfAnEngineThatGroupsAreRightToo()
    {
        using var world = new World(AdapterMode.Grouped, slots: 4, seed: 4);
        world.Run();
    }

    // Not measured in bytes, which tests beside this one would disturb.
    [Fact]
    public void NothingRemembersAGenerationThatIsGone()
    {
        using var world = new World(AdapterMode.PerRow, slots: 4, seed: 5);
        world.Load.Begin();
        for (var i = 0; i < Swaps; i++) world.Load.Swap();
        // Those that run, and those with cells in the prefix cache.
        Assert.InRange(world.Load.CountRemembered(), 1, ScriptedEngine.DefaultCapabilities.MaxSequences + 4);
        world.Load.End();
        // The load itself names the last one.
        Assert.InRange(world.Load.CountRemembered(), 0, 2);
    }

    /// <summary>A loop whose files are read when the load says so.</summary>
    private sealed class World : IDisposable
    {
        public World(AdapterMode mode, int slots, int seed)
        {
            var offThread = new Queue<Action>();
            Harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { AdapterMode = mode, AdapterSlots = slots },
                o => o with { Parallel = 16 }, o => o with { RunOffThread = offThread.Enqueue });
            Load = new SwapLoad(Harness, offThread, seed);
        }

        public LoopHarness Harness { get; }

        public SwapLoad Load { get; }

        /// <summary>All swaps; then nothing may be left of any generation.</summary>
        public void Run()
        {
            Load.Begin();
            for (var i = 0; i < Swaps; i++) Load.Swap();
            Load.End();
            var counters = Harness.Counters;
            Assert.True(Load.Finished > 2 * Swaps);
            Assert.Equal((Load.Finished, 0, 0), (counters.Finished, counters.Refused, counters.FailedSteps));
            Assert.Equal(Swaps + 1, Load.Dropped);
            Assert.Equal((Swaps + 1, 0), (Harness.Engine.PreparedAdapters, Harness.Engine.LivingAdapters));
            Assert.Equal((0, 0, 0, 0), (counters.Running, counters.Waiting, counters.AdapterSlotsUsed, Harness.Engine.UsedCells));
            Assert.Equal(counters.CellsAcquired, counters.CellsReleased);
            IReadOnlyList<AdapterResidence>? known = null;
            Harness.Loop.ReadAdapters(a => known = a);
            Harness.Loop.Step();
            Assert.Empty(known!);
        }

        public void Dispose() => Harness.Dispose();
    }
}
