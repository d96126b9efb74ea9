using InferenceHost.Core.Requests;
using InferenceHost.Core.Sampling;

namespace InferenceHost.Core.Admission;

/// <summary>Refuses what can never fit and what there is no room to queue, naming the number. Nothing behind it fails for size.</summary>
internal static class AdmissionControl
{
    /// <summary>Null where the request may enter; <paramref name="maxNewTokens"/> is its limit then.</summary>
    public static Refusal? Check(SequenceRequest request, AdmissionLimits limits, int waiting, int waitingOfTenant, out int maxNewTokens)
    {
        var prompt = request.Prompt.Length;
        var room = limits.MaxSequenceTokens - prompt;
        maxNewTokens = Math.Min(request.MaxNewTokens ?? AdmissionLimits.DefaultNewTokens, room);
        return CheckPrompt(request, limits, prompt, room)
            ?? CheckNewTokens(request, limits, prompt, room)
            ?? CheckSampling(request, limits)
            ?? CheckQueues(request, limits, waiting, waitingOfTenant);
    }

    private static Refusal? CheckPrompt(SequenceRequest request, AdmissionLimits limits, int prompt, int room)
    {
        if (prompt == 0) return Invalid("prompt", "PROMPT_EMPTY", "the prompt has 0 tokens; give at least 1", 0, 1);
        if (room < 1)
        {
            return Invalid("prompt", "PROMPT_TOO_LONG",
                $"the prompt has {prompt} tokens, the context holds {limits.MaxSequenceTokens} with at least 1 to generate; shorten the prompt or serve with a larger --context",
                prompt, limits.MaxSequenceTokens - 1);
        }
        foreach (var token in request.Prompt.Span)
            if ((uint)token >= (uint)limits.VocabularySize) return UnknownToken("prompt_token_ids", token, limits.VocabularySize);
        return null;
    }

    private static Refusal? CheckNewTokens(SequenceRequest request, AdmissionLimits limits, int prompt, int room)
    {
        if (request.MaxNewTokens is not { } wanted) return null;
        if (wanted < 1) return Invalid("max_tokens", "MAX_TOKENS_OUT_OF_RANGE", $"max_tokens is {wanted}; at least 1 is needed", wanted, 1);
        return wanted <= room
            ? null
            : Invalid("max_tokens", "MAX_TOKENS_OUT_OF_RANGE",
                $"max_tokens is {wanted}, but a prompt of {prompt} tokens leaves {room} of the context of {limits.MaxSequenceTokens}", wanted, room);
    }

    private static Refusal? CheckSampling(SequenceRequest request, AdmissionLimits limits)
    {
        foreach (var error in SamplingParametersValidator.Validate(request.Sampling, limits.VocabularySize))
            return Invalid(error.Field, "SAMPLING_OUT_OF_RANGE", error.ToString(), null, null);
        foreach (var token in request.StopTokens)
            if ((uint)token >= (uint)limits.VocabularySize) return UnknownToken("stop_token_ids", token, limits.VocabularySize);
        if (request.Samples is < 1 or > AdmissionLimits.MaxSamples)
            return Invalid("n", "SAMPLES_OUT_OF_RANGE", $"n is {request.Samples}; 1 to {AdmissionLimits.MaxSamples} are allowed", request.Samples, AdmissionLimits.MaxSamples);
        return request.Adapter is null || limits.HasAdapters
            ? null
            : new Refusal(RefusalKind.NotFound, "ADAPTERS_NOT_AVAILABLE", "this model is served without adapters", "adapter");
    }

    private static Refusal? CheckQueues(SequenceRequest request, AdmissionLimits limits, int waiting, int waitingOfTenant)
    {
        // A second per hundred that wait: a hint, not a promise.
        var retry = TimeSpan.FromMilliseconds(Math.Clamp(waiting * 10, 250, 10_000));
        if (waiting + request.Samples > limits.MaxWaiting)
            return new Refusal(RefusalKind.Overloaded, "QUEUE_FULL", $"{waiting} sequences wait, {limits.MaxWaiting} may", null, waiting + request.Samples, limits.MaxWaiting, retry);
        return waitingOfTenant + request.Samples > limits.MaxWaitingPerTenant
            ? new Refusal(RefusalKind.TenantLimit, "TENANT_QUEUE_FULL", $"{waitingOfTenant} sequences of this tenant wait, {limits.MaxWaitingPerTenant} may", null,
                waitingOfTenant + request.Samples, limits.MaxWaitingPerTenant, retry)
            : null;
    }

    private static Refusal UnknownToken(string field, int token, int vocabulary) =>
        Invalid(field, "TOKEN_OUT_OF_RANGE", $"{field} contains {token}; the vocabulary has ids 0 to {vocabulary - 1}", token, vocabulary - 1);

    private static Refusal Invalid(string field, string reason, string message, double? found, double? allowed) =>
        new(RefusalKind.InvalidArgument, reason, message, field, found, allowed);
}
