namespace InferenceHost.Text.Tokenization;

/// <summary>Whether a vocabulary is a Unigram one, and what told.</summary>
/// <param name="IsUnigram">True: <see cref="UnigramTokenizer"/> is right for it, merging by score is wrong.</param>
/// <param name="Reason">What told, for logs and <c>models inspect</c>.</param>
public readonly record struct UnigramDetection(bool IsUnigram, string Reason);
