namespace InferenceHost.Text.ChatTemplates;

/// <summary>A render exceeded one of its <see cref="TemplateLimits"/>; the message names the limit and its value.</summary>
public sealed class TemplateLimitException : TemplateRenderException
{
    /// <summary>Creates the exception for a place in the template.</summary>
    /// <param name="message">The limit that was exceeded.</param>
    /// <param name="line">Line, from 1; 0 where unknown.</param>
    /// <param name="column">Column, from 1; 0 where unknown.</param>
    /// <param name="inner">The cause, if any.</param>
    public TemplateLimitException(string message, int line = 0, int column = 0, Exception? inner = null)
        : base(message, line, column, inner)
    {
    }
}
