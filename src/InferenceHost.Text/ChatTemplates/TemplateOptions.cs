namespace InferenceHost.Text.ChatTemplates;

/// <summary>How a template is parsed and rendered.</summary>
public sealed record TemplateOptions
{
    /// <summary>The options used when none are given.</summary>
    public static TemplateOptions Default { get; } = new();

    /// <summary>What a parse and a render may cost.</summary>
    public TemplateLimits Limits { get; init; } = TemplateLimits.Default;
}
