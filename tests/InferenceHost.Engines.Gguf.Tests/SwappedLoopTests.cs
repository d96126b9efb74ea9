using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Engines.Gguf.Tests;

/// <summary>The whole loop over real engines in a pool too small for its sequences; ledger and llama.cpp are compared after every step.</summary>
public sealed class SwappedLoopTests
{
    private const int Streams = 6;
    private const int NewTokens = 70;

    [Theory]
    [InlineData("llama", true)]
    [InlineData("llama", false)]
    // In a pool this small llama.cpp reuses cells behind the sliding window: what would be shared from such sequences lacks them.
    [InlineData("gemma3", true)]
    [InlineData("gemma3", false)]
    [InlineData("lfm2", false)]
    public void SwappedSequencesGoOnAsInALargePool(string architecture, bool prefixCache)
    {
        var reference = Reference.Tiny(architecture);
        var (expected, _) = Run(reference, 2048, prefixCache);
        var (tokens, counters) = Run(reference, 256, prefixCache);
        Assert.True(counters.SwappedInTokens > 0, $"{counters.SwappedOutTokens} tokens saved, {counters.SwappedInTokens} came back, {counters.Preemptions} preemptions");
        Assert.Equal((0L, 0L), (counters.FailedSteps, counters.SwapBytesHeld));
        Assert.Equal(0, counters.UsedCells - counters.CachedCells);
        for (var i = 0; i < Streams; i++) Assert.Equal(expected[i], tokens[i]);
    }

    private static (List<int>[] Tokens, LoopCounters Counters) Run(Reference reference, int poolTokens, bool prefixCache)
    {
        var options = TestEngines.Options(reference.ModelPath) with { ContextTokens = poolTokens, BatchTokens = 256, Parallel = Streams };
        using var engine = new ClockedEngine(GgufEngine.Load(options, null, TestContext.Current.CancellationToken), TimeSpan.FromMilliseconds(1));
        var sink = new Sink();
        var scheduling = new SchedulerOptions { Parallel = Streams, MaxBatchTokens = 256, PrefixCache = prefixCache, SwapMinimumTokens = 16 };
        using var loop = new EngineLoop(engine, sink, new LoopOptions { Scheduling = scheduling, CheckInvariants = true }, engine.Time);
        for (var i = 0; i < Streams; i++)
        {
            loop.Submit(new SequenceRequest
            {
                Id = new SequenceId((ulong)i),
                Tenant = $"t{i % 2}",
                Prompt = reference.Prompts[i],
                MaxNewTokens = NewTokens,
                Sampling = SamplingParameters.Greedy,
                IgnoreEndOfGeneration = true,
            });
        }
        while (loop.Step()) ;
        LoopCounters? counters = null;
        loop.ReadCounters(c => counters = c);
        loop.Step();
        return (sink.Tokens, counters!);
    }

    private sealed class Sink : IStepSink
    {
        public List<int>[] Tokens { get; } = [.. Enumerable.Range(0, Streams).Select(_ => new List<int>())];

        public void Publish(StepFrame frame)
        {
            foreach (var delta in frame.Deltas) Tokens[(int)delta.Id.Value].AddRange(frame.Tokens(delta));
        }
    }
}
