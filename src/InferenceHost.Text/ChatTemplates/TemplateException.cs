namespace InferenceHost.Text.ChatTemplates;

/// <summary>A chat template could not be parsed or rendered.</summary>
public abstract class TemplateException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, for the author of the template or the sender of the request.</param>
    /// <param name="line">Line in the template, from 1; 0 where unknown.</param>
    /// <param name="column">Column in the line, from 1; 0 where unknown.</param>
    /// <param name="inner">The cause, if any.</param>
    protected TemplateException(string message, int line, int column, Exception? inner = null)
        : base(line > 0 ? $"{message} (line {line}, column {column})" : message, inner)
    {
        Reason = message;
        Line = line;
        Column = column;
    }

    /// <summary>The message without the position.</summary>
    public string Reason { get; }

    /// <summary>Line in the template, from 1; 0 where unknown.</summary>
    public int Line { get; }

    /// <summary>Column in the line, in UTF-16 units from 1; 0 where unknown.</summary>
    public int Column { get; }
}
