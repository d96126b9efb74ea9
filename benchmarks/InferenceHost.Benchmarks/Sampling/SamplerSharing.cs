using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Execution;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Benchmarks.Sampling;

/// <summary>A few rows on one thread and on two, the second one asleep before: from how many logits a step is worth waking it (<see cref="LoopOptions.ParallelSamplingLogits"/>).</summary>
[Config(typeof(ShortInProcess))]
public class SamplerSharing
{
    private const int Vocabulary = 128_256, Batch = 32;

    private readonly Sampler[] _samplers = [new(Vocabulary), new(Vocabulary)];
    private readonly float[][] _rows = new float[Batch][];
    private readonly SequenceSamplingState _state = Recipes.State(Recipe.TopKTopPMinP, Vocabulary);
    private HelperThreads _helpers = null!;
    private int _first;

    [Params(2, 4, 8)]
    public int Rows { get; set; }

    [Params(1, 2)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        for (var row = 0; row < Batch; row++)
            _rows[row] = LogitRows.Next(new Random(row), Vocabulary);
        _helpers = new HelperThreads(Threads - 1, "sampling", (thread, row) => _samplers[thread].Sample(_rows[(_first + row) % Batch], _state, [], out _));
    }

    [Benchmark]
    public void Step()
    {
        // Other rows every time: those of a step are in no core's own cache.
        _first += Rows;
        _helpers.Run(Rows);
    }

    [GlobalCleanup]
    public void Cleanup() => _helpers.Dispose();
}
