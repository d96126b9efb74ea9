using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Core.Tests.Execution;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(64, false)]
    [InlineData(64, true)]
    public void StepOfRunningSequencesAllocatesNothing(int sequences, bool sampled)
    {
        using var engine = new NullEngine(sequences);
        using var loop = new EngineLoop(engine, new Discard(), new LoopOptions
        {
            Scheduling = new SchedulerOptions { Parallel = sequences, MaxBatchTokens = 512, Speculation = false },
        });
        for (var i = 0; i < sequences; i++)
        {
            loop.Submit(new SequenceRequest
            {
                Id = new SequenceId((ulong)i),
                Tenant = $"t{i % 8}",
                Prompt = LoopHarness.Prompt(i, 30),
                MaxNewTokens = 4_000,
                Sampling = sampled ? new SamplingParameters { Temperature = 0.8f, TopK = 40, TopP = 0.9f, Logprobs = 3, RepetitionPenalty = 1.1f } : SamplingParameters.Greedy,
            });
        }
        for (var i = 0; i < 200; i++) loop.Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 500; i++) loop.Step();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void ParallelSamplingAllocatesNothingOnAnyThread()
    {
        using var engine = new NullEngine(32, vocabulary: 8_000);
        using var loop = new EngineLoop(engine, new Discard(), new LoopOptions
        {
            Scheduling = new SchedulerOptions { Parallel = 32, MaxBatchTokens = 512, Speculation = false },
            SamplingThreads = 3,
            ParallelSamplingLogits = 0,
        });
        for (var i = 0; i < 32; i++)
        {
            loop.Submit(new SequenceRequest
            {
                Id = new SequenceId((ulong)i),
                Tenant = $"t{i % 8}",
                Prompt = LoopHarness.Prompt(i, 30),
                MaxNewTokens = 4_000,
                Sampling = new SamplingParameters { Temperature = 0.8f, TopP = 0.9f, Logprobs = 3, RepetitionPenalty = 1.1f },
            });
        }
        for (var i = 0; i < 300; i++) loop.Step();
        engine.CountAllocations = true;
        for (var i = 0; i < 500; i++) loop.Step();
        Assert.Equal(0, engine.AllocatedBytes);
        Assert.True(engine.Threads > 1, "no helper took part");
    }

    private sealed class Discard : IStepSink
    {
        public void Publish(StepFrame frame)
        {
        }
    }
}
