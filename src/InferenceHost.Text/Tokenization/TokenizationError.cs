namespace InferenceHost.Text.Tokenization;

/// <summary>Why a text or a vocabulary was refused: an expected outcome, reported as a value.</summary>
/// <param name="Reason">What is wrong.</param>
/// <param name="Index">Of a text: its index among the segments. Of a vocabulary: the token id. -1 where neither applies.</param>
/// <param name="Position">Of a text: the UTF-16 offset of the fault in that segment.</param>
public readonly record struct TokenizationError(string Reason, int Index, int Position);
