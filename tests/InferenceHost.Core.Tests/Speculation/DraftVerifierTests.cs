using InferenceHost.Core.Sampling;
using InferenceHost.Core.Speculation;

namespace InferenceHost.Core.Tests.Speculation;

public sealed class DraftVerifierTests
{
    private const int Vocabulary = 4;

    public static TheoryData<float, float> Settings => new() { { 1, 0 }, { 0.7f, 0 }, { 1.3f, 0.5f }, { 0, 0 } };

    [Theory]
    [MemberData(nameof(Settings))]
    public void SpeculatedSequencesHaveTheDistributionOfTheModel(float temperature, float frequencyPenalty)
    {
        const int Sequences = 25_000, Length = 4;
        var parameters = new SamplingParameters { Temperature = temperature, FrequencyPenalty = frequencyPenalty };
        var counts = new int[(int)Math.Pow(Vocabulary, Length)];
        var sampler = new Sampler(Vocabulary);
        var drafts = new Random(11);
        for (var sequence = 0; sequence < Sequences; sequence++)
        {
            var state = new SequenceSamplingState(parameters with { Seed = (ulong)sequence }, 8);
            counts[Code(Generate(sampler, state, Length, drafts).Take(Length))]++;
        }

        for (var code = 0; code < counts.Length; code++)
        {
            var expected = Probability(Decode(code, Length), parameters);
            var deviation = Math.Sqrt(Sequences * expected * (1 - expected));
            Assert.True(
                Math.Abs(counts[code] - (Sequences * expected)) <= (5.5 * deviation) + 1,
                $"sequence {string.Join(' ', Decode(code, Length))}: {counts[code]} seen, {Sequences * expected} expected");
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void SameSeedGivesTheSameTokensWithAndWithoutDrafts(float temperature, float frequencyPenalty)
    {
        var sampler = new Sampler(Vocabulary);
        var drafts = new Random(12);
        for (var seed = 0UL; seed < 200; seed++)
        {
            var parameters = new SamplingParameters { Temperature = temperature, FrequencyPenalty = frequencyPenalty, Seed = seed };
            var plain = Generate(sampler, new SequenceSamplingState(parameters, 0), 30, null);
            var speculated = Generate(sampler, new SequenceSamplingState(parameters, 0), 30, drafts);
            Assert.Equal(plain.Take(30), speculated.Take(30));
        }
    }

    [Fact]
    public void WholeDraftThatStandsGivesOneTokenMore()
    {
        var state = new SequenceSamplingState(SamplingParameters.Greedy, 0);
        var sampler = new Sampler(Vocabulary);
        var verifier = new DraftVerifier([2, 1]);
        foreach (var best in (int[])[2, 1, 3])
        {
            Assert.False(verifier.IsDone);
            Assert.Equal(SampleOutcome.Sampled, verifier.Next(sampler, OneHot(best), state, [], out var token));
            Assert.Equal(best, token.Id);
        }

        Assert.True(verifier.IsDone);
        Assert.Equal(2, verifier.Accepted);
        Assert.Equal(3, state.PositionTokens);
    }

    [Fact]
    public void FirstDifferenceEndsTheStepAndFailureChangesNothing()
    {
        var state = new SequenceSamplingState(SamplingParameters.Greedy, 0);
        var sampler = new Sampler(Vocabulary);
        var verifier = new DraftVerifier([2, 1]);
        verifier.Next(sampler, OneHot(3), state, [], out _);
        Assert.True(verifier.IsDone);
        Assert.Equal(0, verifier.Accepted);

        verifier = new DraftVerifier([2, 1]);
        Assert.Equal(SampleOutcome.NonFiniteLogits, verifier.Next(sampler, [0, float.NaN, 0, 0], state, [], out _));
        Assert.True(verifier.IsDone);
        Assert.Equal(1, state.PositionTokens);
    }

    private static List<int> Generate(Sampler sampler, SequenceSamplingState state, int length, Random? drafts)
    {
        var tokens = new List<int>();
        Span<int> draft = stackalloc int[3];
        while (tokens.Count < length)
        {
            var count = drafts?.Next(4) ?? 0;
            for (var index = 0; index < count; index++)
                draft[index] = drafts!.Next(Vocabulary);
            var verifier = new DraftVerifier(draft[..count]);
            while (!verifier.IsDone)
            {
                Assert.Equal(SampleOutcome.Sampled, verifier.Next(sampler, Logits(tokens), state, [], out var token));
                tokens.Add(token.Id);
            }
        }

        return tokens;
    }

    // A little language model: the logits depend on the last two tokens.
    private static float[] Logits(IReadOnlyList<int> before)
    {
        var last = before.Count > 0 ? before[^1] : 0;
        var previous = before.Count > 1 ? before[^2] : 1;
        return [0.3f * last, 1 - (0.5f * previous), 0.7f - (0.2f * last * previous), 0.4f * previous];
    }

    private static double Probability(int[] sequence, SamplingParameters parameters)
    {
        double probability = 1;
        for (var index = 0; index < sequence.Length; index++)
        {
            var before = sequence[..index];
            var logits = Logits(before);
            if (parameters.IsGreedy)
            {
                probability *= Array.IndexOf(logits, logits.Max()) == sequence[index] ? 1 : 0;
                continue;
            }

            probability *= Sampling.ReferenceSampler.Distribution(logits, parameters, before)[sequence[index]];
        }

        return probability;
    }

    private static float[] OneHot(int best)
    {
        var logits = new float[Vocabulary];
        logits[best] = 1;
        return logits;
    }

    private static int Code(IEnumerable<int> tokens) => tokens.Aggregate(0, (code, token) => (code * Vocabulary) + token);

    private static int[] Decode(int code, int length)
    {
        var tokens = new int[length];
        for (var index = length - 1; index >= 0; index--, code /= Vocabulary)
            tokens[index] = code % Vocabulary;
        return tokens;
    }
}
