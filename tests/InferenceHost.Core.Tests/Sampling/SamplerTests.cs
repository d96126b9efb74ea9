using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class SamplerTests
{
    public static TheoryData<int, int> Seeds()
    {
        var data = new TheoryData<int, int>();
        foreach (var size in (int[])[1, 2, 7, 127, 128, 129, 300, 5000])
            data.Add(size, size * 31);
        return data;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void RandomParametersGiveTheReferenceDistribution(int size, int seed)
    {
        var random = new Random(seed);
        var sampler = new Sampler(size);
        for (var round = 0; round < 60; round++)
        {
            var logits = RandomLogits(random, size, random.Next(3) == 0 ? 0.3 : 4);
            var history = Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(size)).ToArray();
            var parameters = RandomParameters(random, size);
            var expected = ReferenceSampler.Distribution(logits, parameters, history);
            var state = new SequenceSamplingState(parameters, 4);
            state.AcceptPrompt(history);
            Assert.Equal(SampleOutcome.Sampled, sampler.Distribute(logits, state, out var actual));

            // A token at the very edge of a cut may fall on either side in float; all others must agree.
            double off = 0;
            for (var id = 0; id < size; id++)
                off += Math.Abs(expected[id] - actual.Of(id));
            var edge = expected.Where(q => q > 0).DefaultIfEmpty(0).Min();
            Assert.True(off < 1e-5 || off <= 4 * edge, $"size {size} round {round} {parameters}: off by {off}");
            Assert.Equal(1, Sum(actual.Probabilities), 1e-5);
        }
    }

    [Fact]
    public void FrequenciesOfDrawsFollowTheDistribution()
    {
        const int Draws = 60_000;
        var random = new Random(5);
        foreach (var parameters in (SamplingParameters[])[
            new() { Seed = 1 }, new() { Seed = 2, TopK = 20 }, new() { Seed = 3, TopP = 0.9f, Temperature = 1.3f }, new() { Seed = 4, MinP = 0.02f }])
        {
            var logits = RandomLogits(random, 300, 2);
            var expected = ReferenceSampler.Distribution(logits, parameters, []);
            var sampler = new Sampler(logits.Length);
            var state = new SequenceSamplingState(parameters, 0);
            var counts = new int[logits.Length];
            for (var draw = 0; draw < Draws; draw++)
            {
                Assert.Equal(SampleOutcome.Sampled, sampler.Sample(logits, state, [], out var token));
                counts[token.Id]++;
                state.Accept(token.Id);
            }

            for (var id = 0; id < counts.Length; id++)
            {
                var deviation = Math.Sqrt(Draws * expected[id] * (1 - expected[id]));
                Assert.True(Math.Abs(counts[id] - (Draws * expected[id])) <= (6 * deviation) + 1, $"token {id} of {parameters}");
                Assert.True(expected[id] > 0 || counts[id] == 0);
            }
        }
    }

    [Fact]
    public void SampleDrawsFromTheDistributionThatDistributeShows()
    {
        var random = new Random(17);
        var sampler = new Sampler(1000);
        for (var round = 0; round < 200; round++)
        {
            var logits = RandomLogits(random, 1000, 3);
            var state = new SequenceSamplingState(RandomParameters(random, 1000) with { Seed = (ulong)round }, 0);
            Assert.Equal(SampleOutcome.Sampled, sampler.Sample([.. logits], state, [], out var token));
            Assert.Equal(SampleOutcome.Sampled, sampler.Distribute([.. logits], state, out var distribution));
            Assert.True(distribution.Of(token.Id) > 0);
        }
    }

    [Fact]
    public void ResumedSequenceContinuesIdentically()
    {
        var random = new Random(3);
        var rows = Enumerable.Range(0, 40).Select(_ => RandomLogits(random, 500, 1)).ToArray();
        var parameters = new SamplingParameters { Seed = 99, TopP = 0.95f, FrequencyPenalty = 0.5f };
        var whole = Run(rows, new SequenceSamplingState(parameters, 0), new Sampler(500));

        var resumed = new SequenceSamplingState(parameters, 0);
        resumed.AcceptPrompt([1, 2, 3]);
        foreach (var token in whole.Take(20))
            resumed.Accept(token);
        Assert.Equal(whole.Skip(20), Run(rows[20..], resumed, new Sampler(500), acceptPrompt: false));
    }

    [Fact]
    public void AnotherSeedDrawsOtherTokens()
    {
        var random = new Random(4);
        var rows = Enumerable.Range(0, 40).Select(_ => RandomLogits(random, 500, 1)).ToArray();
        var one = Run(rows, new SequenceSamplingState(new SamplingParameters { Seed = 1 }, 0), new Sampler(500));
        var two = Run(rows, new SequenceSamplingState(new SamplingParameters { Seed = 2 }, 0), new Sampler(500));
        Assert.NotEqual(one, two);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1e-7f)]
    public void GreedyTakesTheFirstOfTheBestAfterPenaltiesAndBias(float temperature)
    {
        var logits = Enumerable.Repeat(-1f, 1000).ToArray();
        (logits[700], logits[300], logits[900]) = (5, 5, 7);
        var parameters = new SamplingParameters { Temperature = temperature, LogitBias = new Dictionary<int, float> { [900] = -100 } };
        new Sampler(1000).Sample(logits, new SequenceSamplingState(parameters, 0), [], out var token);
        Assert.Equal(300, token.Id);
        Assert.Null(token.LogProbability);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void NonFiniteLogitsAreAnOutcomeWhereverTheyAre(float bad)
    {
        foreach (var size in (int[])[1, 5, 128, 1000, 4099])
        {
            var sampler = new Sampler(size);
            foreach (var parameters in (SamplingParameters[])[
                SamplingParameters.Greedy, SamplingParameters.Default, new() { TopK = 3 }, new() { TopP = 0.5f }, new() { Logprobs = 2 }])
            {
                for (var place = 0; place < size; place += Math.Max(1, size / 37))
                {
                    var logits = new float[size];
                    logits[place] = bad;
                    var outcome = sampler.Sample(
                        logits, new SequenceSamplingState(parameters, 0), new TokenLogProbability[2], out _);
                    Assert.Equal(SampleOutcome.NonFiniteLogits, outcome);
                }
            }
        }
    }

    [Fact]
    public void MaskedTokensAreNeverDrawnAndAllMaskedIsAnOutcome()
    {
        var sampler = new Sampler(300);
        foreach (var parameters in (SamplingParameters[])[
            SamplingParameters.Greedy, SamplingParameters.Default, new() { TopK = 10 }, new() { TopP = 0.99f }, new() { MinP = 1e-9f }, new() { TypicalP = 0.9f }])
        {
            for (var round = 0; round < 50; round++)
            {
                var logits = Enumerable.Repeat(float.NegativeInfinity, 300).ToArray();
                (logits[200], logits[290]) = (-3, -4);
                var state = new SequenceSamplingState(parameters with { Seed = (ulong)round }, 0);
                Assert.Equal(SampleOutcome.Sampled, sampler.Sample(logits, state, [], out var token));
                Assert.Contains(token.Id, (int[])[200, 290]);
            }

            var masked = Enumerable.Repeat(float.NegativeInfinity, 300).ToArray();
            Assert.Equal(SampleOutcome.NoCandidates, sampler.Sample(masked, new SequenceSamplingState(parameters, 0), [], out _));
        }
    }

    [Fact]
    public void LogProbabilitiesAreTheModelsOwn()
    {
        var random = new Random(8);
        var sampler = new Sampler(700);
        var alternatives = new TokenLogProbability[20];
        for (var round = 0; round < 50; round++)
        {
            var logits = RandomLogits(random, 700, 3);
            var softmax = ReferenceSampler.Softmax(Array.ConvertAll(logits, logit => (double)logit));
            var parameters = RandomParameters(random, 700) with { Logprobs = random.Next(21), Seed = (ulong)round };
            var state = new SequenceSamplingState(parameters, 0);
            state.AcceptPrompt([1, 2, 3, 4]);
            Assert.Equal(SampleOutcome.Sampled, sampler.Sample(logits, state, alternatives, out var token));
            Assert.Equal(Math.Log(softmax[token.Id]), token.LogProbability!.Value, 1e-4);
            Assert.Equal(parameters.Logprobs, token.AlternativeCount);
            var best = Enumerable.Range(0, 700).OrderByDescending(id => softmax[id]).Take(token.AlternativeCount).ToArray();
            Assert.Equal(best, alternatives.Take(token.AlternativeCount).Select(alternative => alternative.Id));
            foreach (var alternative in alternatives.Take(token.AlternativeCount))
                Assert.Equal(Math.Log(softmax[alternative.Id]), alternative.LogProbability, 1e-4);
        }
    }

    [Fact]
    public void FewerTokensThanAlternativesFillWhatThereIs()
    {
        float[] logits = [1, float.NegativeInfinity, 3];
        var state = new SequenceSamplingState(new SamplingParameters { Logprobs = 20 }, 0);
        var alternatives = new TokenLogProbability[20];
        new Sampler(3).Sample(logits, state, alternatives, out var token);
        Assert.Equal(2, token.AlternativeCount);
        Assert.Equal([2, 0], alternatives.Take(2).Select(alternative => alternative.Id));
    }

    [Fact]
    public void EqualLogitsAreCutByTopPToTheExactNumber()
    {
        var sampler = new Sampler(1000);
        sampler.Distribute(new float[1000], new SequenceSamplingState(new SamplingParameters { TopP = 0.25f }, 0), out var distribution);
        Assert.Equal(250, distribution.Ids.Length);
        sampler.Distribute(new float[1000], new SequenceSamplingState(new SamplingParameters { TopP = 0 }, 0), out distribution);
        Assert.Equal(1, distribution.Ids.Length);
    }

    [Fact]
    public void BroadNucleiOfLargeRowsAreTheReferencesOwn()
    {
        const int Size = 20_003;
        var random = new Random(21);
        var sampler = new Sampler(Size);
        foreach (var (temperature, spread, topP) in (ReadOnlySpan<(float, double, float)>)[
            (1, 2.5, 0.95f), (1.5f, 2.5, 0.8f), (1, 0.1, 0.5f), (3, 1, 0.9999f), (1, 2.5, 0.3f), (0.7f, 4, 0.999f), (1, 2, 0.9999999f)])
        {
            var logits = RandomLogits(random, Size, spread);
            for (var peak = 0; peak < 20; peak++)
                logits[random.Next(Size)] = 8;
            // One half is nothing like the other, so that a sample can be wrong.
            for (var id = Size / 2; id < Size && topP == 0.3f; id++)
                logits[id] = float.NegativeInfinity;
            var parameters = new SamplingParameters { Temperature = temperature, TopP = topP };
            var expected = ReferenceSampler.Distribution(logits, parameters, []);
            Assert.Equal(SampleOutcome.Sampled, sampler.Distribute(logits, new SequenceSamplingState(parameters, 0), out var actual));
            double off = 0;
            for (var id = 0; id < Size; id++)
                off += Math.Abs(expected[id] - actual.Of(id));
            Assert.True(off < 1e-5, $"{parameters}: off by {off}");
        }
    }

    [Fact]
    public void RowAndBufferOfTheWrongLengthAreRefused()
    {
        var sampler = new Sampler(10);
        var state = new SequenceSamplingState(new SamplingParameters { Logprobs = 3 }, 0);
        Assert.Throws<ArgumentException>(() => sampler.Sample(new float[9], state, new TokenLogProbability[3], out _));
        Assert.Throws<ArgumentException>(() => sampler.Sample(new float[10], state, new TokenLogProbability[2], out _));
    }

    [Fact]
    public void NothingIsAllocatedPerRow()
    {
        var random = new Random(12);
        var sampler = new Sampler(2000);
        var logits = RandomLogits(random, 2000, 3);
        var row = new float[2000];
        var alternatives = new TokenLogProbability[20];
        var states = Enumerable.Range(0, 60)
            .Select(index => new SequenceSamplingState(RandomParameters(random, 2000) with { Logprobs = index % 2 == 0 ? 5 : null }, 100))
            .Append(new SequenceSamplingState(SamplingParameters.Greedy, 0))
            .ToArray();

        void Round()
        {
            foreach (var state in states)
            {
                logits.CopyTo(row, 0);
                sampler.Sample(row, state, alternatives, out var token);
                state.Accept(token.Id);
            }
        }

        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 20; round++)
            Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    internal static float[] RandomLogits(Random random, int size, double spread)
    {
        var logits = new float[size];
        for (var index = 0; index < size; index++)
            logits[index] = (float)(spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return logits;
    }

    internal static SamplingParameters RandomParameters(Random random, int size)
    {
        float Pick(params float[] values) => values[random.Next(values.Length)];
        return new SamplingParameters
        {
            Temperature = Pick(1, 0.2f, 0.7f, 1.5f, 3),
            TopK = (int)Pick(0, 0, 1, 5, 40, 200),
            TopP = Pick(1, 1, 0.1f, 0.8f, 0.95f, 0.999f),
            MinP = Pick(0, 0, 0.05f, 0.3f, 1),
            TypicalP = Pick(1, 1, 0.2f, 0.9f),
            RepetitionPenalty = Pick(1, 1.3f, 0.9f),
            FrequencyPenalty = Pick(0, 0.3f, -0.5f),
            PresencePenalty = Pick(0, 0.4f),
            PenaltyWindowTokens = random.Next(3) == 0 ? random.Next(20) : null,
            LogitBias = random.Next(3) == 0 ? new Dictionary<int, float> { [random.Next(size)] = Pick(-100, 3, 100) } : new Dictionary<int, float>(),
        };
    }

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (var value in values)
            sum += value;
        return sum;
    }

    private static List<int> Run(float[][] rows, SequenceSamplingState state, Sampler sampler, bool acceptPrompt = true)
    {
        if (acceptPrompt)
            state.AcceptPrompt([1, 2, 3]);
        var tokens = new List<int>();
        foreach (var row in rows)
        {
            Assert.Equal(SampleOutcome.Sampled, sampler.Sample([.. row], state, [], out var token));
            state.Accept(token.Id);
            tokens.Add(token.Id);
        }

        return tokens;
    }
}
