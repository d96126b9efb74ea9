namespace InferenceHost.Text.ChatTemplates;

/// <summary>Where a character of a rendered prompt comes from.</summary>
public enum TextOrigin
{
    /// <summary>Written by the template's author, or passed as trusted text (<c>bos_token</c>, <c>eos_token</c>): may become special tokens.</summary>
    Template = 0,

    /// <summary>Taken or derived from a message, tool, document or other value of the caller: must never become a special token.</summary>
    Message = 1,
}
