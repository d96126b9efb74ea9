using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

public sealed class TemplateErrorTests
{
    [Theory]
    [InlineData("a\n  {% if x %}\nb", 3, 2, "endif")]
    [InlineData("{{ 1 +* 2 }}", 1, 7, "unexpected '*'")]
    [InlineData("line\n{% endfor %}", 2, 4, "unknown tag 'endfor'")]
    [InlineData("{{ x|nope }}", 1, 6, "No filter named 'nope'")]
    [InlineData("{{ x is nope }}", 1, 6, "No test named 'nope'")]
    [InlineData("{{ (1] }}", 1, 6, "expected ')'")]
    [InlineData("\n\n{{ 'abc }}", 3, 4, "unexpected char")]
    [InlineData("{# never closed", 1, 1, "comment")]
    [InlineData("{% raw %} never closed", 1, 10, "raw")]
    [InlineData("{% break %}", 1, 4, "outside loop")]
    [InlineData("{% macro m(a, a) %}{% endmacro %}", 1, 15, "duplicate argument")]
    [InlineData("{% set true = 1 %}", 1, 8, "assign")]
    [InlineData("{{ f(a=1, a=2) }}", 1, 11, "repeated")]
    [InlineData("{% for x in [1] %}{% set loop = 2 %}{% endfor %}", 1, 26, "loop")]
    public void SyntaxErrorsCarryLineAndColumn(string template, int line, int column, string message)
    {
        var error = Assert.Throws<TemplateSyntaxException>(() => ChatTemplate.Parse(template));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (error.Line, error.Column));
    }

    [Theory]
    [InlineData("\n{{ messages[0].content.text }}", 2, "'messages' is undefined")]
    [InlineData("{{ raise_exception('Roles must alternate') }}", 1, "Roles must alternate")]
    [InlineData("{{ none.x.y }}", 1, "'None' has no attribute 'x'")]
    [InlineData("a\nb {{ 'x' + 1 }}", 2, "can only concatenate str (not \"int\") to str")]
    [InlineData("{{ {}.append(1) }}", 1, "'dict object' has no attribute 'append'")]
    [InlineData("{{ [].append(1) }}", 1, "unsafe")]
    [InlineData("{% for a, b in [(1, 2, 3)] %}{% endfor %}", 1, "too many values to unpack (expected 2)")]
    [InlineData("{{ 5 | items | list }}", 1, "mapping")]
    [InlineData("{% include 'x' %}", 1, "loader")]
    public void RenderErrorsSayWhereAndWhy(string template, int line, string message)
    {
        var error = Assert.Throws<TemplateRenderException>(() => Rendering.Text(template));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
    }
}
