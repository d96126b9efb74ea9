using System.Globalization;
using System.Text.Json;
using InferenceHost.Core.Sampling;
using InferenceHost.Testing;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class GoldenDistributionTests
{
    [Fact]
    public void EveryGoldenDistributionIsReproduced()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("sampling/goldens.json")));
        var number = 0;
        foreach (var golden in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var logits = golden.GetProperty("logits").EnumerateArray().Select(value => value.GetSingle()).ToArray();
            var history = golden.GetProperty("history").EnumerateArray().Select(value => value.GetInt32()).ToArray();
            var state = new SequenceSamplingState(Parameters(golden.GetProperty("parameters")), 8);
            state.AcceptPrompt(history);
            var outcome = new Sampler(logits.Length).Distribute(logits, state, out var distribution);
            Assert.Equal(SampleOutcome.Sampled, outcome);

            var expected = golden.GetProperty("probabilities").EnumerateObject()
                .ToDictionary(entry => int.Parse(entry.Name, CultureInfo.InvariantCulture), entry => entry.Value.GetDouble());
            var actual = new Dictionary<int, double>();
            for (var index = 0; index < distribution.Ids.Length; index++)
                actual.Add(distribution.Ids[index], distribution.Probabilities[index]);
            foreach (var id in expected.Keys.Union(actual.Keys))
            {
                var difference = Math.Abs(expected.GetValueOrDefault(id) - actual.GetValueOrDefault(id));
                Assert.True(
                    difference <= 1e-6,
                    $"case {number} {golden.GetProperty("parameters")}: token {id} {expected.GetValueOrDefault(id)} / {actual.GetValueOrDefault(id)}");
                Assert.True(expected.ContainsKey(id) || actual[id] < 1e-9, $"case {number}: token {id} should have been cut off");
                Assert.True(actual.ContainsKey(id) || expected[id] < 1e-9, $"case {number}: token {id} was cut off");
            }

            number++;
        }

        Assert.True(number >= 160);
    }

    private static SamplingParameters Parameters(JsonElement element)
    {
        float Get(string name, float absent) => element.TryGetProperty(name, out var value) ? value.GetSingle() : absent;
        var bias = new Dictionary<int, float>();
        if (element.TryGetProperty("logit_bias", out var entries))
        {
            foreach (var entry in entries.EnumerateObject())
                bias.Add(int.Parse(entry.Name, CultureInfo.InvariantCulture), entry.Value.GetSingle());
        }

        return new SamplingParameters
        {
            Temperature = Get("temperature", 1),
            TopK = (int)Get("top_k", 0),
            TopP = Get("top_p", 1),
            MinP = Get("min_p", 0),
            TypicalP = Get("typical_p", 1),
            RepetitionPenalty = Get("repetition_penalty", 1),
            FrequencyPenalty = Get("frequency_penalty", 0),
            PresencePenalty = Get("presence_penalty", 0),
            LogitBias = bias,
        };
    }
}
