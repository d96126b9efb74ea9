using InferenceHost.Server.Errors;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Server.Chat;

/// <summary>A model's chat template: parsed once, at its first use, and where it is missing or broken the reason for it.</summary>
internal sealed class ModelTemplate
{
    private readonly string? _source;
    private readonly Lazy<(ChatTemplate? Template, string Problem)> _parsed;

    /// <summary>A template, or none.</summary>
    /// <param name="source">Jinja source; null where there is none.</param>
    /// <param name="origin">Where it comes from: "model file" or "file PATH".</param>
    public ModelTemplate(string? source, string origin)
    {
        _source = source;
        Origin = origin;
        _parsed = new Lazy<(ChatTemplate?, string)>(Parse);
    }

    /// <summary>No template.</summary>
    public static ModelTemplate None { get; } = new(null, "none");

    /// <summary>Where it comes from.</summary>
    public string Origin { get; }

    /// <summary>Whether it knows reasoning parts.</summary>
    public bool HasReasoning => _source is not null
        && (_source.Contains(ChatPromptBuilder.ThinkOpen, StringComparison.Ordinal) || _source.Contains(ChatPromptBuilder.ThinkClose, StringComparison.Ordinal));

    /// <summary>One line for an operator: where it comes from, or why it is unusable.</summary>
    public string Describe() => _source is null ? "none" : _parsed.Value.Problem is { Length: > 0 } problem ? $"{Origin}, unusable: {problem}" : Origin;

    /// <summary>The template.</summary>
    /// <exception cref="RefusalException">There is none, or it is broken.</exception>
    public ChatTemplate Require()
    {
        if (_source is null)
        {
            throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "NO_CHAT_TEMPLATE",
                "the model file has no chat template; serve with --chat-template PATH, or use Generate"));
        }
        var (template, problem) = _parsed.Value;
        return template ?? throw new RefusalException(new Refusal(RefusalKind.FailedPrecondition, "CHAT_TEMPLATE_BROKEN",
            $"the chat template ({Origin}) cannot be used: {problem}; serve with another one (--chat-template PATH), or use Generate"));
    }

    private (ChatTemplate?, string) Parse()
    {
        try
        {
            return (ChatTemplate.Parse(_source!), "");
        }
        catch (TemplateException error)
        {
            return (null, error.Message);
        }
    }
}
