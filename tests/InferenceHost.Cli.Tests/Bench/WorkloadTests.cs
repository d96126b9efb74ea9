using InferenceHost.Cli.Bench;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class WorkloadTests
{
    // Published outputs of SplitMix64 for the seed 1234567.
    private static readonly ulong[] SplitMix = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];

    [Fact]
    public void GeneratorIsSplitMix64()
    {
        var random = new SeededRandom(1234567);
        Assert.Equal(SplitMix, Enumerable.Range(0, SplitMix.Length).Select(_ => random.NextUInt64()));
    }

    [Fact]
    public void DerivedGeneratorsDependOnEveryPartAndTheirOrder()
    {
        ulong[] firsts =
        [
            SeededRandom.Derive(1, 1, 2).NextUInt64(), SeededRandom.Derive(1, 2, 1).NextUInt64(), SeededRandom.Derive(1, 1, 3).NextUInt64(),
            SeededRandom.Derive(2, 1, 2).NextUInt64(), SeededRandom.Derive(1, 1).NextUInt64(), SeededRandom.Derive(1, 1, -2).NextUInt64(),
        ];
        Assert.Distinct(firsts);
        Assert.Equal(firsts[0], SeededRandom.Derive(1, 1, 2).NextUInt64());
    }

    [Fact]
    public void IntegersStayInTheirRangeAndReachItsEnds()
    {
        var random = new SeededRandom(3);
        var drawn = Enumerable.Range(0, 1000).Select(_ => random.NextInt(100, 104)).ToHashSet();
        Assert.Equal([100, 101, 102, 103], drawn.Order());
    }

    [Fact]
    public void ArrivalsArePoissonAndRepeatable()
    {
        var times = PoissonArrivals.Schedule(4, 20_000, SeededRandom.Derive(5, 1));
        Assert.Equal(times, PoissonArrivals.Schedule(4, 20_000, SeededRandom.Derive(5, 1)));
        Assert.NotEqual(times[1], PoissonArrivals.Schedule(4, 2, SeededRandom.Derive(6, 1))[1]);
        Assert.Equal(0, times[0]);
        var gaps = times.Zip(times.Skip(1), (a, b) => b - a).ToList();
        Assert.All(gaps, gap => Assert.True(gap >= 0));
        // Exponential gaps: mean = standard deviation = 1 / rate; with 20,000 of them both within 3 % of it.
        var mean = gaps.Average();
        Assert.InRange(mean, 0.2425, 0.2575);
        Assert.InRange(Math.Sqrt(gaps.Average(gap => (gap - mean) * (gap - mean))), 0.2375, 0.2625);
    }

    [Theory]
    [InlineData("sharegpt", 161, 338)]
    [InlineData("alpaca", 19, 58)]
    [InlineData("50,0.5,20,0", 50, 20)]
    public void LengthsHaveTheStatedMeans(string name, double promptMean, double outputMean)
    {
        var lengths = LengthDistribution.Parse(name, "--lengths");
        var random = new SeededRandom(11);
        Assert.InRange(Enumerable.Range(0, 40_000).Average(_ => lengths.NextPrompt(random, 1_000_000)), promptMean * 0.95, promptMean * 1.05);
        Assert.InRange(Enumerable.Range(0, 40_000).Average(_ => lengths.NextOutput(random, 1_000_000)), outputMean * 0.95, outputMean * 1.05);
    }

    [Fact]
    public void LengthsStayWithinTheirLimits()
    {
        var lengths = LengthDistribution.Parse("1,4,1000,4", "--lengths");
        var random = new SeededRandom(1);
        for (var i = 0; i < 5000; i++)
        {
            Assert.InRange(lengths.NextPrompt(random, 100), 1, 100);
            Assert.InRange(lengths.NextOutput(random, 64), 1, 64);
        }
    }

    [Theory]
    [InlineData("shareGPT")]
    [InlineData("1,2,3")]
    [InlineData("1,2,3,x")]
    [InlineData("0,1,5,1")]
    [InlineData("5,-1,5,1")]
    [InlineData("5,1,5,NaN")]
    public void WrongLengthsAreNamed(string text) =>
        Assert.Contains("--lengths", Assert.Throws<BenchException>(() => LengthDistribution.Parse(text, "--lengths")).Message, StringComparison.Ordinal);

    [Fact]
    public void ARoundIsTheSameForEveryTargetAndNoTwoRoundsSharePrompts()
    {
        var plan = new WorkloadPlan { MaxTokens = 8, Seed = 9, Adapters = ["a", "base", "b"] };
        var first = plan.Closed(4, 2, 0);
        Assert.Equal(Ids(first), Ids(plan.Closed(4, 2, 0)));
        var all = Ids(first).Concat(Ids(plan.Closed(4, 2, 1))).Concat(Ids(plan.Closed(4, 2, -1))).Concat(Ids(plan.Closed(8, 1, 0))).ToList();
        Assert.Distinct(all);
        Assert.Equal(["a", null, "b", "a"], first.Select(stream => stream[0].Adapter));
        Assert.All(first, stream => Assert.Equal(stream[0].Adapter, stream[1].Adapter));
    }

    [Fact]
    public void OpenLoopDealsAdaptersToRequests()
    {
        var (requests, arrivals) = new WorkloadPlan { MaxTokens = 8, Adapters = ["a", "b"] }.Open(2.5, 5, 0);
        Assert.Equal(["a", "b", "a", "b", "a"], requests.Select(request => request.Adapter!));
        Assert.Equal(5, arrivals.Length);
    }

    [Fact]
    public void DrawnLengthsReachTheRequests()
    {
        var plan = new WorkloadPlan { MaxTokens = 40, MaxPromptTokens = 70, Lengths = LengthDistribution.Parse("sharegpt", "--lengths") };
        var requests = plan.Open(1, 200, 0).Requests;
        Assert.All(requests, request => Assert.InRange(request.MaxTokens, 1, 40));
        Assert.All(requests, request => Assert.InRange(request.Prompt.TokenIds!.Length, 1, 70));
        Assert.True(requests.Select(request => request.Prompt.TokenIds!.Length).Distinct().Count() > 10);
    }

    [Fact]
    public void RandomIdsStayBelowTheVocabulary()
    {
        var ids = new RandomIdPrompts(120).Next(0, 500, new SeededRandom(1)).TokenIds!;
        Assert.Equal(500, ids.Length);
        Assert.All(ids, id => Assert.InRange(id, RandomIdPrompts.LowestId, 119));
    }

    [Fact]
    public void CorpusWindowsGoRoundAtTheEnd()
    {
        int[] corpus = [1, 2, 3];
        var ids = new CorpusPrompts(corpus).Next(0, 7, new SeededRandom(1)).TokenIds!;
        Assert.Equal(7, ids.Length);
        for (var i = 1; i < ids.Length; i++) Assert.Equal(ids[i - 1] % 3 + 1, ids[i]);
    }

    [Fact]
    public void JsonLinesGiveTheFirstTurnOfEveryLine()
    {
        using var file = new TemporaryFile("{\"turns\":[\"one\",\"more\"]}\n\n{\"prompt\":\"two\"}\r\n{\"text\":\"three\",\"id\":4}\n");
        Assert.Equal(["one", "two", "three"], PromptFile.ReadJsonLines(file.Path, "--prompts"));
    }

    [Theory]
    [InlineData("{\"turns\":[]}", "line 1")]
    [InlineData("{\"prompt\":\"x\"}\nnot json", "line 2")]
    [InlineData("{\"turns\":[7]}", "line 1")]
    [InlineData("\n\n", "no prompt")]
    [InlineData("", "empty")]
    public void BadPromptFilesAreNamedWithTheLine(string content, string expected)
    {
        using var file = new TemporaryFile(content);
        var error = Assert.Throws<BenchException>(() => PromptFile.ReadJsonLines(file.Path, "--prompts"));
        Assert.StartsWith("--prompts: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, error.ExitCode);
    }

    private static IEnumerable<string> Ids(BenchRequest[][] streams) => streams.SelectMany(stream => stream).Select(request => string.Join(',', request.Prompt.TokenIds!));
}
