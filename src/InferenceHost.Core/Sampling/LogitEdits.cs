namespace InferenceHost.Core.Sampling;

/// <summary>Penalties and bias, written into the row; only tokens of the history and of the bias are touched.</summary>
internal static class LogitEdits
{
    /// <summary>Repetition penalty, then frequency and presence penalty, then bias.</summary>
    public static void Apply(Span<float> logits, SequenceSamplingState state)
    {
        if (state.History is { } history)
            Penalise(logits, history, state.Parameters);
        var values = state.BiasValues;
        var ids = state.BiasIds;
        for (var index = 0; index < ids.Length; index++)
        {
            if ((uint)ids[index] < (uint)logits.Length)
                logits[ids[index]] += values[index];
        }
    }

    private static void Penalise(Span<float> logits, TokenHistory history, SamplingParameters parameters)
    {
        var ids = history.Ids;
        var counts = history.Counts;
        for (var index = 0; index < ids.Length; index++)
        {
            // A prompt may hold ids that the output layer does not have (image placeholders).
            if ((uint)ids[index] >= (uint)logits.Length)
                continue;
            ref var logit = ref logits[ids[index]];
            logit = logit < 0 ? logit * parameters.RepetitionPenalty : logit / parameters.RepetitionPenalty;
            logit -= (counts[index] * parameters.FrequencyPenalty) + parameters.PresencePenalty;
        }
    }
}
