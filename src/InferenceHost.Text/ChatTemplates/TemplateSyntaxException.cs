namespace InferenceHost.Text.ChatTemplates;

/// <summary>The source of a template is not valid Jinja, or names an unknown filter or test.</summary>
public sealed class TemplateSyntaxException : TemplateException
{
    /// <summary>Creates the exception for a place in the template.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="line">Line, from 1.</param>
    /// <param name="column">Column, from 1.</param>
    public TemplateSyntaxException(string message, int line, int column)
        : base(message, line, column)
    {
    }
}
