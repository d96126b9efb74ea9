using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class BroadNucleusTests
{
    private const int Size = 20_011;

    [Theory]
    [InlineData("bell")]
    [InlineData("equal")]
    [InlineData("one huge")]
    [InlineData("ascending")]
    [InlineData("masked by a grammar")]
    [InlineData("ties")]
    [InlineData("zeros of both signs")]
    [InlineData("far apart")]
    public void DrawsAreThoseOfTheReferenceInTheOrderOfIds(string shape)
    {
        var logits = Row(shape);
        var sampler = new Sampler(Size);
        foreach (var (topP, temperature) in (ReadOnlySpan<(float, float)>)[
            (0, 1), (1e-6f, 1), (0.3f, 1), (0.95f, 1), (0.99f, 1.2f), (0.9999f, 1), (0.9999999f, 1), (1, 1), (0.95f, 0.05f), (0.9f, 20)])
        {
            var parameters = new SamplingParameters { TopP = topP, Temperature = temperature };
            var before = Cumulative(ReferenceSampler.Distribution(logits, parameters, []));
            for (var seed = 0; seed < 30; seed++)
            {
                var state = new SequenceSamplingState(parameters with { Seed = (ulong)seed }, 0);
                Assert.Equal(SampleOutcome.Sampled, sampler.Sample([.. logits], state, [], out var token));
                // Rounding may move a border by a little, and with it the token next to it.
                var uniform = PhiloxRandom.Uniform((ulong)seed, 0);
                Assert.True(before[token.Id] - 1e-5 <= uniform && uniform <= before[token.Id + 1] + 1e-5, $"{parameters}: {uniform} gave {token.Id}");
                Assert.True(logits[token.Id] > float.NegativeInfinity);
            }
        }
    }

    [Fact]
    public void SelectionAmongThousandsFindsWhatSortingFinds()
    {
        var random = new Random(6);
        var select = new ThresholdSelect(6000);
        foreach (var (size, steps) in (ReadOnlySpan<(int, double)>)[(6000, 1e6), (6000, 4), (5000, 0.5), (333, 100), (40, 1), (33, 1e6)])
        {
            for (var round = 0; round < 20; round++)
            {
                var keys = Array.ConvertAll(SamplerTests.RandomLogits(random, size, 5), key => (float)(Math.Round(key * steps) / steps));
                var weights = Array.ConvertAll(keys, _ => 1f + random.Next(8));
                var sorted = Enumerable.Range(0, size).OrderByDescending(i => keys[i]).ToArray();
                var k = 1 + random.Next(size);
                var threshold = select.KeepingLargest(keys, k);
                Assert.Equal(keys.Count(key => key >= keys[sorted[k - 1]]), keys.Count(key => key >= threshold));

                var target = random.Next(0, (int)weights.Sum() + 10);
                var (mass, place) = (0.0, 0);
                while (place < size - 1 && (mass += weights[sorted[place]]) < target)
                    place++;
                var expected = keys[sorted[place]];
                Assert.Equal(expected, select.KeyReachingMass(keys, weights, target, out var above));
                Assert.Equal(keys.Zip(weights).Where(pair => pair.First > expected).Sum(pair => (double)pair.Second), above);
            }
        }
    }

    [Fact]
    public void ThresholdIsAKeyHoweverSumsAreRounded()
    {
        var random = new Random(9);
        var select = new ThresholdSelect(3000);
        for (var round = 0; round < 200; round++)
        {
            var keys = SamplerTests.RandomLogits(random, 3000, 3);
            var weights = Array.ConvertAll(keys, MathF.Exp);
            // Just what the sum over some keys gives: rounding decides whether it is reached.
            var border = keys[random.Next(keys.Length)];
            var target = ThresholdSelect.MassAtLeast(keys, weights, border);
            var threshold = select.KeyReachingMass(keys, weights, target, out var above);
            Assert.Contains(threshold, keys);
            var exact = keys.Zip(weights).Where(pair => pair.First > threshold).Sum(pair => (double)pair.Second);
            Assert.Equal(exact, above, 1e-6 * target);
            Assert.InRange(keys.Zip(weights).Where(pair => pair.First >= threshold).Sum(pair => (double)pair.Second), target * (1 - 1e-6), double.MaxValue);
        }
    }

    [Fact]
    public void MaskedMaximaDoNotDisturbTheSelectionOfTheLargest()
    {
        var maxima = Enumerable.Range(0, 1002).Select(i => i % 3 == 0 ? i : float.NegativeInfinity).ToArray();
        var select = new ThresholdSelect(maxima.Length);
        Assert.Equal(32, maxima.Count(maximum => maximum >= select.KeepingLargest(maxima, 32)));
        Assert.Equal(1002, maxima.Count(maximum => maximum >= select.KeepingLargest(maxima, 900)));
    }

    private static float[] Row(string shape)
    {
        var bell = SamplerTests.RandomLogits(new Random(31), Size, 2.5);
        return shape switch
        {
            "equal" => new float[Size],
            "one huge" => [.. bell.Select((logit, id) => id == 12_345 ? 1000 : logit)],
            "ascending" => [.. bell.Order()],
            "masked by a grammar" => [.. bell.Select((logit, id) => id % 5 == 0 && id is < 300 or > 19_000 ? logit : float.NegativeInfinity)],
            "ties" => [.. bell.Select(logit => MathF.Round(logit))],
            "zeros of both signs" => [.. bell.Select((logit, id) => id % 2 == 0 ? -0f : logit > 0 ? 0f : logit)],
            "far apart" => [.. bell.Select(logit => logit * 1e4f)],
            _ => bell,
        };
    }

    private static double[] Cumulative(double[] probabilities)
    {
        var before = new double[probabilities.Length + 1];
        for (var id = 0; id < probabilities.Length; id++)
            before[id + 1] = before[id] + probabilities[id];
        return before;
    }
}
