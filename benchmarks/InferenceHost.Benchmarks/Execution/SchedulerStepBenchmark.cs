using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>One step of the loop over an engine that computes nothing: drain, plan, reserve, batch, sample a vocabulary of 64, commit, publish.</summary>
[Config(typeof(ShortInProcess))]
public class SchedulerStepBenchmark
{
    private const int Steps = 1024;

    private NullEngine _engine = null!;
    private DecodingLoop _loop = null!;

    [Params(1, 8, 64, 256)]
    public int Sequences { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _engine = new NullEngine(Sequences);
        _loop = new DecodingLoop(_engine, Sequences, Steps, SamplingParameters.Greedy);
        _loop.WarmUp();
    }

    [IterationSetup]
    public void Begin() => _loop.Begin();

    [Benchmark(OperationsPerInvoke = Steps)]
    public void Step() => _loop.Run();

    [IterationCleanup]
    public void End() => _loop.End();

    [GlobalCleanup]
    public void Cleanup() => _loop.Dispose();
}
