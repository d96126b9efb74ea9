using BenchmarkDotNet.Attributes;
using InferenceHost.Core.Speculation;

namespace InferenceHost.Benchmarks.Speculation;

/// <summary>What drafting costs per output token: the token enters the index, a draft is looked up, its fate is reported.</summary>
[Config(typeof(ShortInProcess))]
public class NgramDrafting
{
    private const int Tokens = 8192;

    private readonly int[] _text = new int[Tokens];
    private readonly int[] _draft = new int[8];
    private NgramDrafter _drafter = null!;

    [Params(50, 20_000)]
    public int DistinctTokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(2);
        for (var index = 0; index < Tokens; index++)
            _text[index] = random.Next(DistinctTokens);
    }

    [IterationSetup]
    public void NewSequence() => _drafter = new NgramDrafter(NgramDrafterOptions.Default with { LeastAcceptance = 0 }, Tokens);

    [Benchmark(OperationsPerInvoke = Tokens)]
    public int Steps()
    {
        var sum = 0;
        foreach (var token in _text)
        {
            _drafter.Append(token);
            var drafted = _drafter.Draft(_draft);
            if (drafted > 0)
                _drafter.Report(drafted, drafted / 2);
            sum += drafted;
        }

        return sum;
    }
}
