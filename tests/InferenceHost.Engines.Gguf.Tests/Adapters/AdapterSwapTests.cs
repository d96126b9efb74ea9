using InferenceHost.Core.Adapters;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Scheduling;
using InferenceHost.Engines.Gguf.Adapters;

namespace InferenceHost.Engines.Gguf.Tests.Adapters;

/// <summary>Adapters that replace each other in llama.cpp's memory while rows of the base model and of another adapter decode beside them.</summary>
[Collection(Alone)]
public sealed class AdapterSwapTests
{
    // Bytes of the process are measured: no other test beside these.
    public const string Alone = "adapter swaps";

    private const int Swaps = 1_000;
    private const int WarmSwaps = 200;

    [Fact]
    public void ThousandSwapsUnderLoadGiveTheReferenceTokensAndDelayNobody()
    {
        using var world = new World(AdapterRouting.Auto, AdapterMode.PerRow);
        world.Run(Swaps);
        // Every step gave every running stream its token, whatever was copied into a slot before it.
        Assert.Equal(0, world.Load.LongestSilence);
        Assert.True(world.Load.Finished > 2 * Swaps, $"{world.Load.Finished} streams");
        // The adapter that stays may lose its slot for a moment: when streams end depends on measured times.
        Assert.InRange(world.Load.Loads, Swaps + 1, 2 * Swaps);
    }

    // Weights are copied into the stacks at each swap, a module between two steps.
    [Fact]
    public void SwapsOfStackedAdaptersGiveTheReferenceTokensAndDelayNobody()
    {
        using var world = new World(AdapterRouting.Auto, AdapterMode.PerRow, stacked: true);
        world.Run(Swaps / 5);
        Assert.Equal(0, world.Load.LongestSilence);
        Assert.True(world.Load.Finished > 2 * Swaps / 5, $"{world.Load.Finished} streams");
    }

    // Through llama.cpp's own adapters, which it loads and frees each time; streams take turns there.
    [Fact]
    public void SwapsThroughLlamaCppGiveTheReferenceTokens()
    {
        using var world = new World(AdapterRouting.Grouped, AdapterMode.Grouped);
        world.Run(Swaps / 5);
        Assert.True(world.Load.Finished > 2 * Swaps / 5, $"{world.Load.Finished} streams");
    }

    /// <summary>Runs when nothing else does.</summary>
    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class AloneCollection;

    /// <summary>An engine with a tiny model and a loop over it.</summary>
    private sealed class World : IDisposable
    {
        private readonly GgufEngine _engine;
        private readonly EngineLoop _loop;

        public World(AdapterRouting routing, AdapterMode expected, bool stacked = false)
        {
            var reference = Reference.Tiny("llama");
            var options = TestEngines.Options(reference.ModelPath) with { AdapterSlots = 4, AdapterRouting = routing, StackedAdapters = stacked, OwnAttention = !stacked, OwnProducts = !stacked, AdapterCopyTime = TimeSpan.Zero };
            _engine = GgufEngine.Load(options, null, TestContext.Current.CancellationToken);
            Assert.Equal(expected, _engine.Capabilities.AdapterMode);
            Load = new SwapLoad(reference);
            _loop = new EngineLoop(_engine, Load, new LoopOptions
            {
                Scheduling = new SchedulerOptions { Parallel = 16, MaxBatchTokens = 512, PrefixCacheTokens = 512 },
                CheckInvariants = true,
            });
            Load.Attach(_loop);
        }

        public SwapLoad Load { get; }

        /// <summary>All swaps; between the first and the last of them memory stays as it is, and nothing is left at the end.</summary>
        public void Run(int swaps)
        {
            Load.Begin();
            Load.Swap(Math.Min(WarmSwaps, swaps / 2));
            Load.Quiesce();
            var before = ProcessMemory.Read();
            Load.Swap(swaps - Math.Min(WarmSwaps, swaps / 2));
            Load.Quiesce();
            ProcessMemory.Read().AssertFlatSince(before);
            Load.End();
            Assert.Equal(swaps + 1, Load.Dropped);
            LoopCounters? counters = null;
            IReadOnlyList<AdapterResidence>? known = null;
            _loop.DropPrefixCache();
            _loop.ReadCounters(c => counters = c);
            _loop.ReadAdapters(a => known = a);
            _loop.Step();
            Assert.Empty(known!);
            Assert.Equal((0, 0, 0), (counters!.Running, counters.AdapterSlotsUsed, counters.UsedCells));
            Assert.Equal(counters.CellsAcquired, counters.CellsReleased);
            Load.Loads = counters.AdapterLoads;
        }

        public void Dispose()
        {
            _loop.Dispose();
            _engine.Dispose();
        }
    }
}
