namespace InferenceHost.Text.ChatTemplates;

/// <summary>A maximal run of characters of one origin.</summary>
/// <param name="Start">First character, in UTF-16 units from the start of the prompt.</param>
/// <param name="Length">Number of UTF-16 units, at least 1.</param>
/// <param name="Origin">Where every character of the run comes from.</param>
public readonly record struct PromptSpan(int Start, int Length, TextOrigin Origin)
{
    /// <summary>Index after the last character, in UTF-16 units.</summary>
    public int End => Start + Length;
}
