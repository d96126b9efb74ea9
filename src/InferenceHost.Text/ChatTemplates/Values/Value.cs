namespace InferenceHost.Text.ChatTemplates;

/// <summary>A value of the template language, with the meaning Python gives it. Values are immutable unless their class says otherwise.</summary>
internal abstract class Value
{
    /// <summary>Python's name of the type, for messages.</summary>
    public abstract string TypeName { get; }

    public virtual bool Truthy => true;

    /// <summary>Origin of the text this value would be printed as; for mixed text, <see cref="TextOrigin.Message"/>.</summary>
    public virtual TextOrigin Origin => TextOrigin.Template;
}
