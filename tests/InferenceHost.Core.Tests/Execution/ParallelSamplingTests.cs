using System.Collections.Concurrent;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Streaming;
using InferenceHost.Core.Tests.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class ParallelSamplingTests
{
    private const int Vocabulary = 1_000;
    private static readonly EngineCapabilities Capabilities = ScriptedEngine.DefaultCapabilities with { VocabularySize = Vocabulary, PoolTokens = 4_096 };

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(true, 9)]
    public void AnyNumberOfThreadsGivesTheSameBits(bool speculation, int? cycle)
    {
        var (alone, _) = Run(1, speculation, cycle);
        Assert.True(alone.Values.Sum(a => a.Tokens.Count) > 1_000);
        foreach (var threads in (int[])[2, 4])
        {
            var (shared, samplingThreads) = Run(threads, speculation, cycle);
            Assert.True(samplingThreads > 1, "no helper took part");
            Assert.Equal(alone.Keys, shared.Keys);
            foreach (var (key, expected) in alone)
            {
                Assert.Equal(expected.Tokens, shared[key].Tokens);
                Assert.Equal(expected.LogProbabilities, shared[key].LogProbabilities);
                Assert.Equal(expected.Text.ToString(), shared[key].Text.ToString());
                Assert.Equal(expected.Finish!.Reason, shared[key].Finish!.Reason);
                Assert.Equal(expected.Finish.Usage.AcceptedDraftTokens, shared[key].Finish!.Usage.AcceptedDraftTokens);
            }
            if (cycle is not null) Assert.True(shared.Values.Sum(a => a.Finish!.Usage.AcceptedDraftTokens) > 100);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ARowThatThrowsEndsItsSequenceAlone(int threads)
    {
        var faults = new List<Exception>();
        using var harness = Harness(threads, false, o => o with { OnFault = faults.Add });
        var requests = Enumerable.Range(0, 8).Select(i => harness.Request(LoopHarness.Prompt(i, 10), 12)).ToList();
        foreach (var request in requests) harness.Loop.Submit(request);
        for (var step = 0; step < 4; step++) harness.Loop.Step();
        harness.Engine.BeforeLogits = output =>
        {
            if (output is 2 or 5) throw new InvalidOperationException($"output {output}");
        };
        harness.Loop.Step();
        harness.Engine.BeforeLogits = _ => { };
        harness.Settle();

        Assert.Equal(["output 2", "output 5"], faults.Select(f => f.Message));
        var failed = requests.Where(r => harness.Collector.Answers[(r.Id, 0)].Finish!.Reason == FinishReason.Failed).ToList();
        Assert.Equal(2, failed.Count);
        Assert.All(failed, r => Assert.Equal("SAMPLING_FAILED", harness.Collector.Answers[(r.Id, 0)].Finish!.Refusal!.Reason));
        foreach (var request in requests.Except(failed))
            Assert.Equal(EngineLoopTests.ExpectIgnoringEnd(harness, request.Prompt.ToArray(), 12), harness.Collector.Answers[(request.Id, 0)].Tokens);
        Assert.Equal(0, harness.Counters.Running);
    }

    [Fact]
    public void FewLogitsWakeNobody()
    {
        using var harness = new LoopHarness(Capabilities, options: o => o with { SamplingThreads = 4, ParallelSamplingLogits = 100 * Vocabulary });
        var threads = Watch(harness.Engine);
        for (var i = 0; i < 8; i++) harness.Loop.Submit(harness.Request(LoopHarness.Prompt(i, 10), 20));
        harness.Settle();
        Assert.Equal([Environment.CurrentManagedThreadId], threads.Keys);
    }

    [Fact]
    public void LoopMayBeStoppedAndDisposedAtAnyMoment()
    {
        for (var round = 0; round < 30; round++)
        {
            var harness = Harness(3, true);
            var running = new Thread(harness.Loop.Run) { IsBackground = true };
            running.Start();
            var requests = Enumerable.Range(0, 12).Select(i => harness.Request(LoopHarness.Prompt(i, 20), 400)).ToList();
            foreach (var request in requests) harness.Loop.Submit(request);
            Thread.SpinWait(round * 3_000);
            foreach (var request in requests.Take(4)) harness.Loop.Cancel(request.Id);
            harness.Loop.Stop();
            Assert.True(running.Join(TimeSpan.FromSeconds(30)), "the loop hangs");
            Assert.All(requests, r => Assert.NotNull(harness.Collector.Answers[(r.Id, 0)].Finish));
            harness.Dispose();
        }
    }

    private static (SortedDictionary<(ulong, int), Collector.Answer> Answers, int Threads) Run(int threads, bool speculation, int? cycle)
    {
        using var harness = Harness(threads, speculation);
        harness.Engine.Cycle = cycle;
        var seen = Watch(harness.Engine);
        var random = new Random(11);
        Assert.True(StopStrings.TryCreate(["ab", "xyz"], out var stops, out _));
        for (var i = 0; i < 60; i++)
        {
            int[] prompt = [.. Enumerable.Range(0, 40).Select(t => t % 9), .. LoopHarness.Prompt(i, random.Next(10)), .. Enumerable.Range(0, 20).Select(t => t % 9)];
            var sampling = SamplerTests.RandomParameters(random, Vocabulary);
            // Penalties would keep text from repeating itself, and no draft would be right.
            if (cycle is not null && i % 4 != 0) sampling = new SamplingParameters { Temperature = 0.7f, TopK = sampling.TopK, TopP = sampling.TopP, MinP = 0.05f };
            harness.Loop.Submit(harness.Request(prompt, 5 + random.Next(60)) with
            {
                Sampling = sampling with { Seed = (ulong)i, Logprobs = i % 3 == 0 ? i % 20 : null },
                IgnoreEndOfGeneration = i % 2 == 0,
                Samples = 1 + (i % 3),
                Stop = cycle is null && i % 5 == 0 ? stops : StopStrings.None,
            });
        }
        harness.Settle();
        return (new(harness.Collector.Answers.ToDictionary(a => (a.Key.Id.Value, a.Key.Index), a => a.Value)), seen.Count);
    }

    private static LoopHarness Harness(int threads, bool speculation, Func<LoopOptions, LoopOptions>? options = null) => new(
        Capabilities,
        s => s with { Parallel = 24, MaxBatchTokens = 128, Speculation = speculation, SpeculationRows = 96 },
        o => (options?.Invoke(o) ?? o) with { SamplingThreads = threads, ParallelSamplingLogits = 0 });

    private static ConcurrentDictionary<int, bool> Watch(ScriptedEngine engine)
    {
        var threads = new ConcurrentDictionary<int, bool>();
        engine.BeforeLogits = _ => threads.TryAdd(Environment.CurrentManagedThreadId, true);
        return threads;
    }
}
