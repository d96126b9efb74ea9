using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Tests.Sampling;

public sealed class SamplingParametersValidatorTests
{
    [Fact]
    public void DefaultsAndGreedyAreValid()
    {
        Assert.Empty(SamplingParametersValidator.Validate(SamplingParameters.Default, 100));
        Assert.Empty(SamplingParametersValidator.Validate(SamplingParameters.Greedy, 100));
    }

    [Fact]
    public void EveryFieldOutOfRangeIsNamedWithWhatWasFound()
    {
        var parameters = new SamplingParameters
        {
            Temperature = -0.5f,
            TopK = -1,
            TopP = 1.5f,
            MinP = float.NaN,
            TypicalP = 0,
            RepetitionPenalty = 0,
            FrequencyPenalty = 2.5f,
            PresencePenalty = float.PositiveInfinity,
            PenaltyWindowTokens = -3,
            LogitBias = new Dictionary<int, float> { [100] = 1, [5] = 101 },
            Logprobs = 21,
        };
        var errors = SamplingParametersValidator.Validate(parameters, 100);
        Assert.Equal(
            [
                "temperature is -0.5; allowed: 0 to 100",
                "top_k is -1; allowed: 0 or more",
                "top_p is 1.5; allowed: 0 to 1",
                "min_p is NaN; allowed: 0 to 1",
                "typical_p is 0; allowed: above 0, at most 1",
                "repetition_penalty is 0; allowed: above 0, at most 100",
                "frequency_penalty is 2.5; allowed: -2 to 2",
                "presence_penalty is Infinity; allowed: -2 to 2",
                "penalty_window_tokens is -3; allowed: 0 or more",
                "logit_bias is token id 100; allowed: token ids 0 to 99",
                "logit_bias[5] is 101; allowed: -100 to 100",
                "logprobs is 21; allowed: 0 to 20",
            ],
            errors.Select(error => error.ToString()));
    }

    [Fact]
    public void TooManyBiasEntriesAreOneError()
    {
        var bias = Enumerable.Range(0, SamplingParametersValidator.MaxLogitBiasEntries + 1).ToDictionary(id => id, _ => 0f);
        var error = Assert.Single(SamplingParametersValidator.Validate(new SamplingParameters { LogitBias = bias }, 5000));
        Assert.Equal("logit_bias is 1025 entries; allowed: at most 1024 entries", error.ToString());
    }
}
