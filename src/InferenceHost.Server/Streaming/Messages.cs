using InferenceHost.Protocol.V1;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Streaming;

/// <summary>Turns parts of the engine process's frames into parts of the public API.</summary>
internal static class Messages
{
    /// <summary>Log-probabilities of one token.</summary>
    public static TokenLogprob Logprob(Wire.Logprob logprob)
    {
        var result = new TokenLogprob { Id = logprob.Id, LogProbability = logprob.LogProbability };
        var count = Math.Min(logprob.AlternativeIds.Count, logprob.AlternativeLogProbabilities.Count);
        for (var i = 0; i < count; i++)
            result.Alternatives.Add(new TokenAlternative { Id = logprob.AlternativeIds[i], LogProbability = logprob.AlternativeLogProbabilities[i] });
        return result;
    }

    /// <summary>Usage of a sample that has ended.</summary>
    public static Usage Usage(Wire.Finish finish) => new()
    {
        PromptTokens = finish.PromptTokens,
        CachedPromptTokens = finish.CachedPromptTokens,
        CompletionTokens = finish.CompletionTokens,
        QueueMs = finish.QueueMs,
        PrefillMs = finish.PrefillMs,
        DecodeMs = finish.DecodeMs,
        AcceptedDraftTokens = finish.AcceptedDraftTokens,
    };

    /// <summary>Why a sample ended; anything the engine process does not say in our words counts as ended from outside.</summary>
    public static FinishReason Reason(int reason) =>
        reason is >= (int)FinishReason.Stop and <= (int)FinishReason.Cancelled ? (FinishReason)reason : FinishReason.Cancelled;
}
