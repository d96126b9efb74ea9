using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Benchmarks.Sampling;

/// <summary>One row of 128,256 logits on one core, read from a batch of 32 rows (16 MB) as a decode step leaves it: no row is in the caches of the core.</summary>
[Config(typeof(ShortInProcess))]
public class SamplerRow
{
    private const int Rows = 32, Vocabulary = 128_256;

    private readonly Sampler _sampler = new(Vocabulary);
    private readonly float[][] _rows = new float[Rows][];
    private readonly TokenLogProbability[] _alternatives = new TokenLogProbability[20];
    private SequenceSamplingState _state = null!;

    [ParamsAllValues]
    public Recipe Recipe { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        for (var row = 0; row < Rows; row++)
            _rows[row] = LogitRows.Next(new Random(row), Vocabulary);
        _state = Recipes.State(Recipe, Vocabulary);
    }

    [Benchmark(OperationsPerInvoke = Rows)]
    public int Sample()
    {
        var sum = 0;
        foreach (var row in _rows)
        {
            if (_sampler.Sample(row, _state, _alternatives, out var token) == SampleOutcome.Sampled)
                sum += token.Id;
        }

        return sum;
    }
}
