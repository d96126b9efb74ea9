using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Benchmarks.Sampling;

/// <summary>All 32 rows of a decode step, vocabulary 128,256, on two cores: the bound is 1 ms per step.</summary>
[Config(typeof(ShortInProcess))]
public class SamplerStep
{
    private const int Rows = 32, Vocabulary = 128_256, Threads = 2;

    private readonly Sampler[] _samplers = [new(Vocabulary), new(Vocabulary)];
    private readonly float[][] _rows = new float[Rows][];
    private readonly int[] _ids = new int[Rows];
    private SequenceSamplingState[] _states = [];
    private HelperThreads _helpers = null!;

    [Params(Recipe.Greedy, Recipe.TopK40, Recipe.MinP, Recipe.TopP, Recipe.TopPBroad, Recipe.TopKTopPMinP, Recipe.TemperatureOnly, Recipe.Typical)]
    public Recipe Recipe { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        for (var row = 0; row < Rows; row++)
            _rows[row] = LogitRows.Next(new Random(row), Vocabulary);
        _states = [.. Enumerable.Range(0, Rows).Select(_ => Recipes.State(Recipe, Vocabulary))];
        _helpers = new HelperThreads(Threads - 1, "sampling", Sample);
    }

    [Benchmark]
    public void Step() => _helpers.Run(Rows);

    [GlobalCleanup]
    public void Cleanup() => _helpers.Dispose();

    private void Sample(int thread, int row)
    {
        if (_samplers[thread].Sample(_rows[row], _states[row], [], out var token) == SampleOutcome.Sampled)
            _ids[row] = token.Id;
    }
}
