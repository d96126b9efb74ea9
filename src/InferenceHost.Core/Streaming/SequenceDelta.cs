using InferenceHost.Core.Requests;

namespace InferenceHost.Core.Streaming;

/// <summary>What one step added to one sample; texts, tokens and log-probabilities are read from the <see cref="StepFrame"/> it is part of.</summary>
/// <param name="Id">Request.</param>
/// <param name="Index">Which of the request's samples.</param>
/// <param name="Text">Range of bytes: whole UTF-8 characters.</param>
/// <param name="Tokens">Range of token ids; log-probabilities have the same range where they were asked for.</param>
/// <param name="HasLogProbabilities">Whether the tokens have log-probabilities.</param>
/// <param name="Finish">Only in the last delta.</param>
/// <param name="PromptTokens">Tokens of the prompt in the first delta of a sample, else 0.</param>
/// <param name="CachedPromptTokens">Of these, tokens whose cells were already there.</param>
public readonly record struct SequenceDelta(
    SequenceId Id, int Index, Range Text, Range Tokens, bool HasLogProbabilities, SequenceFinish? Finish, int PromptTokens = 0, int CachedPromptTokens = 0);
