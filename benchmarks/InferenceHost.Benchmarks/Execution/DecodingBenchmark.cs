using BenchmarkDotNet.Attributes;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>What benchmarks of decoding steps share: every iteration has sequences of its own.</summary>
[Config(typeof(ShortInProcess))]
public abstract class DecodingBenchmark
{
    private protected DecodingLoop Loop { get; set; } = null!;

    [IterationSetup]
    public void Begin() => Loop.Begin();

    [IterationCleanup]
    public void End() => Loop.End();

    [GlobalCleanup]
    public void Cleanup() => Loop.Dispose();
}
