namespace InferenceHost.Core.Requests;

/// <summary>What a sequence cost.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedPromptTokens">Of these, tokens whose cells were already there.</param>
/// <param name="CompletionTokens">Tokens generated.</param>
/// <param name="Queue">Arrival to first prefill step.</param>
/// <param name="Prefill">First prefill step to first token.</param>
/// <param name="Decode">First token to last.</param>
/// <param name="AcceptedDraftTokens">Generated tokens that a draft had guessed right.</param>
/// <param name="SumLogProbability">Sum of the natural log-probabilities of the generated tokens where they were computed, else 0.</param>
public readonly record struct Usage(
    int PromptTokens,
    int CachedPromptTokens,
    int CompletionTokens,
    TimeSpan Queue,
    TimeSpan Prefill,
    TimeSpan Decode,
    int AcceptedDraftTokens,
    double SumLogProbability);
