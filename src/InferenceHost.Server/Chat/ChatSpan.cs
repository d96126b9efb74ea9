using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Server.Chat;

/// <summary>A part of a prompt of one origin.</summary>
/// <param name="Text">Its text, never empty.</param>
/// <param name="Origin">Where every character of it comes from.</param>
internal readonly record struct ChatSpan(string Text, TextOrigin Origin);
