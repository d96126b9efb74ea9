namespace InferenceHost.Text.Tokenization;

/// <summary>A part of a prompt with its origin.</summary>
/// <param name="Text">The text.</param>
/// <param name="ParseSpecial">True for text of the template, in which special tokens count; false for text of a message, in which nothing does.</param>
public readonly record struct TextSegment(string Text, bool ParseSpecial);
