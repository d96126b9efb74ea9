namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>A part of a prompt and what it is trusted with.</summary>
/// <param name="Text">Any text; lone surrogates are refused.</param>
/// <param name="ParseSpecial">Whether the names of control tokens in it become control tokens. False for whatever a user wrote.</param>
public readonly record struct TextSegment(string Text, bool ParseSpecial);
