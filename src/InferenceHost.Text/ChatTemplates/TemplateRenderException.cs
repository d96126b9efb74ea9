namespace InferenceHost.Text.ChatTemplates;

/// <summary>A template failed on the values it was given; <c>raise_exception</c> of the template ends here too.</summary>
public class TemplateRenderException : TemplateException
{
    /// <summary>Creates the exception for a place in the template.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="line">Line, from 1; 0 where unknown.</param>
    /// <param name="column">Column, from 1; 0 where unknown.</param>
    /// <param name="inner">The cause, if any.</param>
    public TemplateRenderException(string message, int line = 0, int column = 0, Exception? inner = null)
        : base(message, line, column, inner)
    {
    }
}
