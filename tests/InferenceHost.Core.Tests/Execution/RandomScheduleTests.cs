using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

/// <summary>A long seeded life of the loop: submit, cancel, preempt, swap, fail, deadline, adapters that come and go; the harness checks the invariants after every step.</summary>
public sealed class RandomScheduleTests
{
    private const int StepsPerSeed = 26_000;
    private const int Adapters = 6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void NoInvariantBreaksAndEveryAnswerIsExact(int seed)
    {
        var random = new Random(seed);
        using var harness = Harness(seed);
        MakeEngineUnreliable(harness, random);
        for (var i = 1; i <= Adapters; i++) Register(harness, random, i);
        var open = new Dictionary<SequenceId, SequenceRequest>();
        var checkedAnswers = 0;
        for (var step = 0; step < StepsPerSeed; step++)
        {
            if (open.Count < 24 && random.Next(3) == 0) Submit(harness, random, open);
            if (random.Next(100) == 0) DropAndRegister(harness, random);
            if (open.Count > 0 && random.Next(50) == 0) harness.Loop.Cancel(open.Keys.ElementAt(random.Next(open.Count)));
            harness.Loop.ReadCounters(c => Assert.Equal((harness.Engine.UsedCells, harness.Engine.StateBytesHeld), (c.UsedCells, c.SwapBytesHeld)));
            harness.Loop.Step();
            harness.Time.Advance(TimeSpan.FromMilliseconds(random.Next(3)));
            foreach (var id in open.Keys.Where(id => harness.Collector.Answers.TryGetValue((id, 0), out var a) && a.Finish is not null).ToArray())
            {
                checkedAnswers += Verify(harness, open[id]);
                open.Remove(id);
                harness.Collector.Answers.Remove((id, 0));
            }
        }
        harness.Engine.BeforeStep = _ => ExecutionStatus.Completed;
        harness.Settle();
        harness.Loop.DropPrefixCache();
        for (var i = 1; i <= Adapters; i++) harness.Loop.DropAdapter($"{i}", () => { });
        harness.Settle();
        var counters = harness.Counters;
        Assert.True(checkedAnswers > 500, $"{checkedAnswers} answers checked");
        Assert.True(counters.Preemptions > 20, $"{counters.Preemptions} preemptions");
        Assert.True(counters.SwappedInTokens > 2_000, $"{counters.SwappedInTokens} of {counters.SwappedOutTokens} tokens came back from host memory");
        Assert.Equal((0, 0, 0), (counters.Running, counters.Waiting, counters.UsedCells));
        Assert.Equal((0, 0), (counters.SwapBytesHeld, harness.Engine.OpenStates));
        Assert.Equal(counters.CellsAcquired, counters.CellsReleased);
        Assert.Equal(0, harness.Engine.UsedCells);
        Assert.True(counters.AdapterLoads > 100, $"{counters.AdapterLoads} copies into slots");
        Assert.Equal((0, 0), (counters.AdapterSlotsUsed, harness.Engine.LivingAdapters));
    }

    private static LoopHarness Harness(int seed) => new(
        ScriptedEngine.DefaultCapabilities with
        {
            PoolTokens = 500,
            TrainedContextTokens = 300,
            MaxSequences = 20,
            AdapterMode = seed == 4 ? AdapterMode.Grouped : AdapterMode.PerRow,
            // 5: recurrent memory.
            CanTrim = seed != 5,
            CanSharePrefix = seed != 5,
        },
        o => o with
        {
            Speculation = seed % 2 == 0,
            PreemptionQuantumTokens = 4,
            BatchAging = TimeSpan.FromMilliseconds(200),
            SwapMinimumTokens = 16,
            // Room for few states, so that the budget is met too.
            SwapMemoryBytes = 16 * 400,
        },
        o => o with { AdapterMemoryBytes = seed == 3 ? 1 : o.AdapterMemoryBytes });

    /// <summary>Steps fail and leave rows behind, copies fail, those of adapters too, and a computed token takes time, without which nothing is worth a copy.</summary>
    private static void MakeEngineUnreliable(LoopHarness harness, Random random)
    {
        harness.Engine.FailuresLeaveRows = true;
        harness.Engine.CopySteps = 1 + random.Next(3);
        harness.Engine.CopyFails = _ => random.Next(40) == 0;
        harness.Engine.IsGone = _ => random.Next(40) == 0;
        harness.Engine.SaveWorks = () => random.Next(10) > 0;
        harness.Engine.RestoreWorks = () => random.Next(10) > 0;
        harness.Engine.BeforeStep = batch =>
        {
            harness.Time.Advance(TimeSpan.FromMicroseconds(batch.Count));
            return random.Next(40) switch
            {
                0 => ExecutionStatus.Failed,
                1 => ExecutionStatus.Aborted,
                _ => ExecutionStatus.Completed,
            };
        };
    }

    private static void DropAndRegister(LoopHarness harness, Random random)
    {
        var adapter = 1 + random.Next(Adapters);
        harness.Loop.DropAdapter($"{adapter}", () => { });
        if (random.Next(2) == 0) harness.Loop.Step();
        Register(harness, random, adapter);
    }

    private static void Register(LoopHarness harness, Random random, int adapter) => harness.Loop.RegisterAdapter($"{adapter}", $"{adapter}.gguf", random.Next(2) == 0, _ => { });

    private static void Submit(LoopHarness harness, Random random, Dictionary<SequenceId, SequenceRequest> open)
    {
        // Few distinct beginnings, so that prefixes are shared.
        var prompt = LoopHarness.Prompt(random.Next(4), 20 + random.Next(60)).Concat(LoopHarness.Prompt(random.Next(50), random.Next(40))).ToArray();
        var adapter = random.Next(8);
        var request = harness.Request(prompt, 1 + random.Next(100), $"t{random.Next(3)}") with
        {
            Adapter = adapter is > 0 and < 7 ? new AdapterBinding($"{adapter}", 1) : null,
            Priority = random.Next(4) == 0 ? Priority.Batch : Priority.Interactive,
            Deadline = random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 300)) : null,
            Sampling = SamplingParameters.Greedy,
        };
        open.Add(request.Id, request);
        harness.Loop.Submit(request);
    }

    private static int Verify(LoopHarness harness, SequenceRequest request)
    {
        var answer = harness.Collector.Answers[(request.Id, 0)];
        var path = request.Adapter is { } binding ? $"{binding.Generation}.gguf" : "";
        Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, request.Prompt.ToArray(), answer.Tokens.Count, path), answer.Tokens);
        if (answer.Finish!.Reason != FinishReason.MaxTokens) return 0;
        Assert.Equal(request.MaxNewTokens, answer.Tokens.Count);
        return 1;
    }
}
