namespace InferenceHost.Text.ChatTemplates;

/// <summary>
/// A model's chat template: Jinja 3.1 as transformers runs it (immutable sandbox, <c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls,
/// <c>generation</c>, <c>tojson</c> without ASCII or HTML escapes). Parsed once; immutable and safe to use from any number of threads.
/// </summary>
public sealed class ChatTemplate
{
    private readonly SourceText _source;
    private readonly CompiledTemplate _compiled;
    private readonly TemplateLimits _limits;

    private ChatTemplate(SourceText source, CompiledTemplate compiled, TemplateLimits limits)
    {
        _source = source;
        _compiled = compiled;
        _limits = limits;
    }

    /// <summary>Parses and compiles a template.</summary>
    /// <param name="source">The Jinja source.</param>
    /// <param name="options">Limits; the defaults if null.</param>
    /// <exception cref="TemplateSyntaxException">The source is not valid; the exception carries line and column.</exception>
    public static ChatTemplate Parse(string source, TemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var limits = (options ?? TemplateOptions.Default).Limits;
        if (source.Length > limits.MaxSourceChars) throw new TemplateSyntaxException($"the template has {source.Length} characters, more than {limits.MaxSourceChars}", 1, 1);
        var text = new SourceText(source);
        return new ChatTemplate(text, Compiler.Compile(text, Parser.Parse(text)), limits);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="values">The variables the template sees.</param>
    /// <param name="now">The wall clock time for <c>strftime_now</c>.</param>
    /// <exception cref="TemplateLimitException">The render exceeded its limits.</exception>
    /// <exception cref="TemplateRenderException">The template refused the values or failed on them.</exception>
    public RenderedPrompt Render(TemplateValues values, DateTime now)
    {
        ArgumentNullException.ThrowIfNull(values);
        var context = new RenderContext(_compiled, values.All, now, _limits);
        var before = Budget.Use(context.Budget);
        try
        {
            _compiled.Run(context);
            return new RenderedPrompt(new string(context.Output.Chars), context.Output.ToSpans());
        }
        catch (TemplateRenderException e) when (e.Line == 0)
        {
            var (line, column) = _source.Locate(context.Position);
            if (e is TemplateLimitException) throw new TemplateLimitException(e.Reason, line, column, e);
            throw new TemplateRenderException(e.Reason, line, column, e);
        }
        finally
        {
            Budget.Use(before);
        }
    }

    /// <summary>Renders the template with the local time of a clock.</summary>
    /// <param name="values">The variables the template sees.</param>
    /// <param name="clock">Where <c>strftime_now</c> gets the time.</param>
    /// <exception cref="TemplateRenderException">The template refused the values or failed on them.</exception>
    public RenderedPrompt Render(TemplateValues values, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return Render(values, clock.GetLocalNow().DateTime);
    }
}
