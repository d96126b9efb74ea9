using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Scheduling;
using InferenceHost.Core.Streaming;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>One step of the loop over an engine that computes nothing: drain, plan, reserve, batch, sample a vocabulary of 64, commit, publish.</summary>
[MemoryDiagnoser]
public class SchedulerStepBenchmark : IStepSink
{
    private NullEngine _engine = null!;
    private EngineLoop _loop = null!;
    private ulong _id;

    [Params(1, 8, 64, 256)]
    public int Sequences { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _engine = new NullEngine(Sequences, poolTokens: 1 << 28);
        _loop = new EngineLoop(_engine, this, new LoopOptions { Scheduling = new SchedulerOptions { Parallel = Sequences, MaxBatchTokens = 512 } });
        for (var i = 0; i < Sequences; i++)
        {
            _loop.Submit(new SequenceRequest
            {
                Id = new SequenceId(_id++),
                Tenant = $"t{i % 8}",
                Prompt = new int[] { 1, 2, 3 },
                MaxNewTokens = 800_000,
                Sampling = SamplingParameters.Greedy,
            });
        }
        for (var i = 0; i < 100; i++) _loop.Step();
    }

    [Benchmark]
    public bool Step() => _loop.Step();

    [GlobalCleanup]
    public void Cleanup() => _loop.Dispose();

    public void Publish(StepFrame frame)
    {
    }
}
