namespace InferenceHost.Text.ChatTemplates;

/// <summary>The text of a rendered chat together with the origin of every character.</summary>
/// <remarks>
/// <see cref="Spans"/> cover <see cref="Text"/> without gaps, in order, and neighbours differ in origin. A special token may be recognised only
/// where all of its characters lie inside one <see cref="TextOrigin.Template"/> span; a token that would need characters of two spans is ordinary text.
/// The text between recognised special tokens should be tokenised as one piece whatever its origins, so that the ids equal those of the reference.
/// </remarks>
public sealed class RenderedPrompt
{
    internal RenderedPrompt(string text, PromptSpan[] spans)
    {
        Text = text;
        Spans = spans;
    }

    /// <summary>The prompt, exactly as the reference implementation renders it.</summary>
    public string Text { get; }

    /// <summary>Maximal runs of equal origin, in order; empty for an empty prompt.</summary>
    public IReadOnlyList<PromptSpan> Spans { get; }
}
