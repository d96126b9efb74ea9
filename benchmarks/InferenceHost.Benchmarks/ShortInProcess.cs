using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace InferenceHost.Benchmarks;

/// <summary>
/// A job of seconds, in this process: many iterations of one call each, so that the minimum is a call that was hardly disturbed. On a machine that does other work too it is the figure
/// that repeats; mean and median then show the waiting.
/// </summary>
public sealed class ShortInProcess : ManualConfig
{
    public ShortInProcess()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithInvocationCount(1)
            .WithUnrollFactor(1)
            .WithWarmupCount(100)
            .WithIterationCount(200)
            .WithId("short"));
        AddColumn(StatisticColumn.Min, StatisticColumn.Median);
        AddDiagnoser(MemoryDiagnoser.Default);
    }
}
