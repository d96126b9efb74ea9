namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>A stretch of raw text, or one special token.</summary>
/// <param name="Start">First byte of raw text.</param>
/// <param name="Length">Bytes of raw text.</param>
/// <param name="Token">Id of the special token, or null for raw text.</param>
internal readonly record struct Fragment(int Start, int Length, int? Token);
