using System.Globalization;

namespace InferenceHost.Core.Sampling;

/// <summary>Checks <see cref="SamplingParameters"/> against their ranges; every violation is reported with the field, the value found and what is allowed.</summary>
public static class SamplingParametersValidator
{
    /// <summary>Most entries of the logit bias.</summary>
    public const int MaxLogitBiasEntries = 1024;

    /// <summary>Most alternatives for which log-probabilities are reported.</summary>
    public const int MaxLogprobs = 20;

    /// <summary>All violations, in the order of the fields; empty when the parameters are usable.</summary>
    /// <param name="parameters">What the caller asked for.</param>
    /// <param name="vocabularySize">Number of tokens of the model, the bound of the ids in the logit bias.</param>
    public static IReadOnlyList<FieldError> Validate(SamplingParameters parameters, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        var errors = new List<FieldError>();
        Range(errors, "temperature", parameters.Temperature, 0, 100);
        NotNegative(errors, "top_k", parameters.TopK);
        Range(errors, "top_p", parameters.TopP, 0, 1);
        Range(errors, "min_p", parameters.MinP, 0, 1);
        AboveZero(errors, "typical_p", parameters.TypicalP, 1);
        AboveZero(errors, "repetition_penalty", parameters.RepetitionPenalty, 100);
        Range(errors, "frequency_penalty", parameters.FrequencyPenalty, -2, 2);
        Range(errors, "presence_penalty", parameters.PresencePenalty, -2, 2);
        NotNegative(errors, "penalty_window_tokens", parameters.PenaltyWindowTokens ?? 0);
        Bias(errors, parameters.LogitBias, vocabularySize);
        if (parameters.Logprobs is { } logprobs && logprobs is < 0 or > MaxLogprobs)
            errors.Add(new FieldError("logprobs", Text(logprobs), $"0 to {MaxLogprobs}"));
        return errors;
    }

    private static void Bias(List<FieldError> errors, IReadOnlyDictionary<int, float> bias, int vocabularySize)
    {
        if (bias.Count > MaxLogitBiasEntries)
        {
            errors.Add(new FieldError("logit_bias", $"{Text(bias.Count)} entries", $"at most {MaxLogitBiasEntries} entries"));
            return;
        }

        foreach (var (id, value) in bias)
        {
            if ((uint)id >= (uint)vocabularySize)
                errors.Add(new FieldError("logit_bias", $"token id {Text(id)}", $"token ids 0 to {Text(vocabularySize - 1)}"));
            else
                Range(errors, $"logit_bias[{Text(id)}]", value, -100, 100);
        }
    }

    // Written so that NaN fails: a comparison with NaN is false.
    private static void Range(List<FieldError> errors, string field, float value, float least, float most)
    {
        if (!(value >= least && value <= most))
            errors.Add(new FieldError(field, Text(value), $"{Text(least)} to {Text(most)}"));
    }

    private static void AboveZero(List<FieldError> errors, string field, float value, float most)
    {
        if (!(value > 0 && value <= most))
            errors.Add(new FieldError(field, Text(value), $"above 0, at most {Text(most)}"));
    }

    private static void NotNegative(List<FieldError> errors, string field, int value)
    {
        if (value < 0)
            errors.Add(new FieldError(field, Text(value), "0 or more"));
    }

    private static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
