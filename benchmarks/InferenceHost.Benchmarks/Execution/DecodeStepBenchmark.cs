using BenchmarkDotNet.Attributes;
using InferenceHost.Benchmarks.Sampling;
using InferenceHost.Core.Tests.Scripted;

namespace InferenceHost.Benchmarks.Execution;

/// <summary>A whole decode step but for the model, without a grammar: everything the loop does, with rows of 128,256 logits to sample, on as many threads as the server takes.</summary>
public class DecodeStepBenchmark : DecodingBenchmark
{
    private const int Steps = 64, Vocabulary = 128_256;

    private NullEngine _engine = null!;

    [Params(1, 8, 32)]
    public int Sequences { get; set; }

    [Params(Recipe.Greedy, Recipe.TopKTopPMinP)]
    public Recipe Recipe { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _engine = new NullEngine(Sequences, Vocabulary);
        for (var row = 0; row < Sequences; row++)
            LogitRows.Next(new Random(row), Vocabulary).CopyTo(_engine.Logits(row));
        Loop = new DecodingLoop(_engine, Sequences, Steps, Recipes.Parameters(Recipe));
        Loop.WarmUp();
    }

    [Benchmark(OperationsPerInvoke = Steps)]
    public void Step() => Loop.Run();
}
