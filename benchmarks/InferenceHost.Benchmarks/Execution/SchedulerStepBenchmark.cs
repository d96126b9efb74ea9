using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>One step of the loop over an engine that computes nothing: drain, plan, reserve, batch, sample a vocabulary of 64, commit, publish.</summary>
public class SchedulerStepBenchmark : DecodingBenchmark
{
    private const int Steps = 1024;

    private NullEngine _engine = null!;

    [Params(1, 8, 64, 256)]
    public int Sequences { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _engine = new NullEngine(Sequences);
        Loop = new DecodingLoop(_engine, Sequences, Steps, SamplingParameters.Greedy);
        Loop.WarmUp();
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void Step() => Loop.Run();
}
