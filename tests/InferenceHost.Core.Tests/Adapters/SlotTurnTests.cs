using InferenceHost.Core.Requests;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Adapters;

/// <summary>More adapters in use than there are slots: nobody waits without bound.</summary>
public sealed class SlotTurnTests
{
    private const int Quantum = 64;

    [Theory]
    [InlineData(400, 1)]
    [InlineData(400, 3)]
    // Shorter than anybody's share: there is always one that has just begun.
    [InlineData(20, 3)]
    public void AnAdapterThatFindsEverySlotInUseGetsOneInBoundedTime(int length, int streams)
    {
        using var world = new World(slots: 2, adapters: 3);
        for (var adapter = 1; adapter <= 2; adapter++)
            for (var i = 0; i < streams; i++)
                world.Loop($"t{adapter}", adapter, length);
        world.Steps(100);
        var late = world.Submit("late", 3, 8);
        Assert.InRange(world.StepsUntil(() => world.Tokens(late) > 0), 1, (2 * Quantum) + 20);
        world.Finish();
    }

    [Fact]
    public void OneTenantsAdaptersTakeTurns()
    {
        using var world = new World(slots: 2, adapters: 5);
        var all = Enumerable.Range(1, 5).Select(adapter => world.Submit("t", adapter, 450)).ToList();
        // Long before the first two have ended.
        Assert.InRange(world.StepsUntil(() => all.TrueForAll(request => world.Tokens(request) > 0)), 1, 5 * Quantum);
        world.Finish();
        Assert.True(world.Harness.Counters.Preemptions >= 3);
    }

    [Fact]
    public void TurnsAreLongAndOneSlotAtATime()
    {
        using var world = new World(slots: 2, adapters: 6);
        for (var adapter = 1; adapter <= 6; adapter++)
            world.Submit($"t{adapter}", adapter, 450);
        var loads = world.Harness.Counters.AdapterLoads;
        world.Steps(10 * Quantum);
        // Two slots, a turn of sixty-four tokens at least in each.
        Assert.InRange(world.Harness.Counters.AdapterLoads - loads, 8, 2 * 11);
        world.Finish();
    }

    [Fact]
    public void WhoeverReceivedLessKeepsItsSlot()
    {
        using var world = new World(slots: 2, adapters: 3);
        world.Loop("heavy", 1, 400);
        world.Loop("heavy", 1, 400);
        world.Loop("heavy", 1, 400);
        world.Steps(200);
        var light = world.Submit("light", 2, 200);
        world.Steps(100);
        Assert.InRange(world.Tokens(light), 90, 101);
        var late = world.Submit("late", 3, 100);
        world.StepsUntil(() => world.Tokens(late) > 0);
        // It went on meanwhile.
        world.Steps(20);
        Assert.InRange(world.Tokens(light), 170, 200);
        world.Finish();
    }

    [Fact]
    public void BatchWorkGivesWayAndInteractiveWorkDoesNot()
    {
        using var world = new World(slots: 1, adapters: 3, aging: TimeSpan.FromDays(1));
        var chat = world.Submit("chat", 1, 300);
        world.Steps(100);
        var batch = world.Submit("batch", 2, 300, Priority.Batch);
        world.Steps(190);
        Assert.Equal(0, world.Tokens(batch));
        Assert.InRange(world.Tokens(chat), 285, 291);
        world.StepsUntil(() => world.Tokens(batch) > Quantum);
        var other = world.Submit("chat", 3, 20);
        Assert.InRange(world.StepsUntil(() => world.Tokens(other) > 0), Quantum - 1, Quantum + 10);
        world.Finish();
    }

    [Fact]
    public void WithoutAPrefixCacheNobodyIsInterruptedAndNobodyComesBetween()
    {
        using var world = new World(slots: 1, adapters: 2, prefixCache: false);
        var first = world.Submit("a", 1, 200);
        for (var i = 0; i < 3; i++) world.Loop("a", 1, 200, after: 40 * (i + 1));
        world.Steps(150);
        var late = world.Submit("b", 2, 8);
        var steps = world.StepsUntil(() => world.Tokens(late) > 0);
        Assert.InRange(steps, Quantum, 200 + Quantum);
        Assert.Equal(200, world.Tokens(first));
        world.Finish();
        Assert.Equal(0, world.Harness.Counters.Preemptions);
    }

    [Fact]
    public void AWaiterThatGoesGivesTheTurnBack()
    {
        using var world = new World(slots: 1, adapters: 2, prefixCache: false);
        world.Submit("a", 1, 400);
        world.Steps(100);
        var late = world.Submit("b", 2, 8);
        world.Steps(Quantum + 5);
        // The slot is promised to it: nobody joins.
        var joins = world.Submit("a", 1, 8);
        world.Steps(5);
        Assert.Equal(0, world.Tokens(joins));
        world.Harness.Loop.Cancel(late.Id);
        world.Steps(3);
        Assert.InRange(world.Tokens(joins), 1, 8);
        world.Finish();
    }

    [Fact]
    public void WhereCopiesTakeSeveralStepsTheWaiterStillGetsItsSlot()
    {
        using var world = new World(slots: 2, adapters: 5);
        world.Harness.Engine.CopySteps = 7;
        var all = Enumerable.Range(1, 5).Select(adapter => world.Submit($"t{adapter}", adapter, 300)).ToList();
        Assert.InRange(world.StepsUntil(() => all.TrueForAll(request => world.Tokens(request) > 0)), 1, 6 * Quantum);
        world.Finish();
    }

    [Fact]
    public void TheirTenantsOtherRequestsPassThoseThatGaveWay()
    {
        using var world = new World(slots: 1, adapters: 2, parallel: 48);
        for (var i = 0; i < 40; i++) world.Submit("t", 1, 200);
        world.Steps(100);
        var late = world.Submit("t", 2, 200);
        world.StepsUntil(() => world.Tokens(late) > 0);
        // More wait at the head of the queue than are looked at.
        var plain = world.Submit("t", 0, 8);
        Assert.InRange(world.StepsUntil(() => world.Tokens(plain) > 0), 1, 3);
        world.Finish();
    }

    [Fact]
    public void InteractiveWorkJoinsAnAdapterWhoseSlotBatchWorkWaitsFor()
    {
        using var world = new World(slots: 1, adapters: 2, prefixCache: false, TimeSpan.FromDays(1));
        world.Submit("a", 1, 300, Priority.Batch);
        world.Steps(100);
        world.Submit("b", 2, 300, Priority.Batch);
        world.Steps(Quantum + 10);
        var chat = world.Submit("a", 1, 100);
        Assert.InRange(world.StepsUntil(() => world.Tokens(chat) > 0), 1, 3);
        world.Finish();
    }

    [Fact]
    public void BatchWorkThatGotASlotAndFindsNoCellsHoldsNobodyUp()
    {
        using var world = new World(slots: 1, adapters: 2, aging: TimeSpan.FromDays(1), pool: 1000);
        world.Submit("c", 0, 600, prompt: 300);
        world.Submit("a", 1, 600, Priority.Batch);
        world.Steps(100);
        world.Submit("b", 2, 8, Priority.Batch, prompt: 700);
        world.Steps(80);
        var chat = world.Submit("i", 0, 8);
        Assert.InRange(world.StepsUntil(() => world.Tokens(chat) > 0), 1, 3);
        world.Finish();
    }

    [Fact]
    public void ATurnGivesNobodyMorePlacesThanItsShare()
    {
        using var world = new World(slots: 1, adapters: 2, prefixCache: false, parallel: 4, share: 0.5);
        world.Submit("a", 1, 300);
        world.Submit("a", 0, 450);
        world.Steps(100);
        var waits = world.Submit("b", 2, 100);
        world.Steps(Quantum + 10);
        // Two of four places are its own.
        var own = Enumerable.Range(0, 2).Select(_ => world.Submit("b", 0, 300)).ToList();
        world.StepsUntil(() => world.Tokens(waits) > 0);
        Assert.Contains(own, request => world.Tokens(request) == 300);
        world.Finish();
    }

    [Fact]
    public void ThePlaceThatWasGivenUpIsKeptWhileTheSlotIsFilled()
    {
        using var world = new World(slots: 1, adapters: 2, parallel: 2);
        world.Submit("a", 1, 450);
        world.Submit("c", 0, 450);
        world.Steps(100);
        world.Harness.Engine.CopySteps = 7;
        var late = world.Submit("b", 2, 8);
        world.Submit("d", 0, 450);
        Assert.InRange(world.StepsUntil(() => world.Tokens(late) > 0), 1, (2 * Quantum) + 20);
        world.Finish();
    }

    /// <summary>Requests that come again and again, each checked against what its adapter gives alone.</summary>
    private sealed class World : IDisposable
    {
        private readonly List<(SequenceRequest Request, int Adapter)> _all = [];
        private readonly List<(string Tenant, int Adapter, int Length, int After, SequenceRequest? Request)> _loops = [];
        private int _step;

        public World(int slots, int adapters, bool prefixCache = true, TimeSpan? aging = null, int parallel = 12, double share = 1, int pool = 16_384)
        {
            Harness = new LoopHarness(ScriptedEngine.DefaultCapabilities with { AdapterSlots = slots, PoolTokens = pool, TrainedContextTokens = 1024, MaxSequences = 64 },
                options => options with { Parallel = parallel, MaxTenantShare = share, SwapMemoryBytes = 0, SlotQuantumTokens = Quantum, PrefixCache = prefixCache, BatchAging = aging ?? options.BatchAging });
            for (var adapter = 1; adapter <= adapters; adapter++)
                Harness.Loop.RegisterAdapter($"g{adapter}", $"{adapter}.gguf", install: false, _ => { });
            Harness.Settle();
        }

        public LoopHarness Harness { get; }

        public SequenceRequest Submit(string tenant, int adapter, int length, Priority priority = Priority.Interactive, int prompt = 12)
        {
            var request = Harness.Request(LoopHarness.Prompt(adapter, prompt), length, tenant) with { Adapter = adapter == 0 ? null : new AdapterBinding($"g{adapter}", 1), Priority = priority };
            _all.Add((request, adapter));
            Harness.Loop.Submit(request);
            return request;
        }

        /// <summary>Has a request submitted in the next step, and the same again whenever it has ended.</summary>
        public void Loop(string tenant, int adapter, int length, int after = 0) => _loops.Add((tenant, adapter, length, _step + after, null));

        public int Tokens(SequenceRequest request) => Harness.Collector.Answers.GetValueOrDefault((request.Id, 0))?.Tokens.Count ?? 0;

        public void Steps(int count)
        {
            for (var i = 0; i < count; i++) Step();
        }

        public int StepsUntil(Func<bool> condition)
        {
            var steps = 0;
            for (; !condition(); steps++)
            {
                Assert.True(steps < 2000, "it never comes to that");
                Step();
            }
            return steps;
        }

        public void Finish()
        {
            _loops.Clear();
            Harness.Settle();
            foreach (var (request, adapter) in _all)
            {
                var answer = Harness.Collector.Answers[(request.Id, 0)];
                if (answer.Finish!.Reason == FinishReason.Cancelled) continue;
                var alone = request with { Id = new SequenceId(1_000_000 + request.Id.Value) };
                Assert.Equal(Harness.Run(alone).Tokens, answer.Tokens);
            }
        }

        public void Dispose() => Harness.Dispose();

        private void Step()
        {
            for (var i = 0; i < _loops.Count; i++)
            {
                var (tenant, adapter, length, after, request) = _loops[i];
                if (_step >= after && (request is null || Harness.Collector.Answers.GetValueOrDefault((request.Id, 0))?.Finish is not null))
                    _loops[i] = (tenant, adapter, length, after, Submit(tenant, adapter, length));
            }
            Harness.Loop.Step();
            Harness.Time.Advance(TimeSpan.FromMilliseconds(1));
            _step++;
        }
    }
}
