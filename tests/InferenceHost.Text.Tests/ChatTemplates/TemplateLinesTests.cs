using System.Text.Json;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

public sealed class TemplateLinesTests
{
    [Theory]
    [InlineData("""{"template": "{{ a }} {{ b }} {{ c }} {{ d }}", "values": {"a": 1, "b": 1.0, "c": 1e5, "d": 12345678901234567890}}""", "1 1.0 100000.0 12345678901234567890")]
    [InlineData("""{"template": "{{ x }}", "values": {"x": {"b": 1, "a": 2, "b": 3}}}""", "{'b': 3, 'a': 2}")]
    [InlineData("""{"template": "{{ strftime_now('%d %b %Y %H:%M') }}", "now": "2026-01-11T09:30:00"}""", "11 Jan 2026 09:30")]
    [InlineData("""{"template": "{{ x|tojson }}\u0001", "values": {"x": "é😀\u2028\""}}""", "\"é😀\u2028\\\"\"\u0001")]
    [InlineData("""{"template": "{{ x }}", "values": {"x": -0.0}}""", "-0.0")]
    [InlineData("""{"template": "{{ x }}", "values": {"x": 1e400}}""", "inf")]
    [InlineData("""{"template": "plain"}""", "plain")]
    public void LineGivesItsOutput(string line, string output)
    {
        using var answer = JsonDocument.Parse(TemplateLines.Render(line));
        Assert.Equal(output, answer.RootElement.GetProperty("output").GetString());
    }

    [Fact]
    public void LoneSurrogatesSurvive() =>
        Assert.Equal("""{"output": "[\ud83d] 1"}""", TemplateLines.Render("""{"template": "[{{ x }}] {{ x|length }}", "values": {"x": "\ud83d"}}"""));

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"template": 1}""")]
    [InlineData("""{"template": "", "values": []}""")]
    [InlineData("""{"template": "", "now": "yesterday"}""")]
    [InlineData("""{"template": "{% if %}"}""")]
    [InlineData("""{"template": "{{ 1/0 }}"}""")]
    public void WhateverIsWrongIsAnError(string line)
    {
        using var answer = JsonDocument.Parse(TemplateLines.Render(line));
        Assert.NotEmpty(answer.RootElement.GetProperty("error").GetString()!);
    }

    [Fact]
    public void ControlCharactersAndQuotesAreEscaped() =>
        Assert.Equal("""{"output": "\u0000\t\"\\\u007f"}""".Replace("\\t", "\\u0009", StringComparison.Ordinal), TemplateLines.Render("""{"template": "\u0000\t\"\\\u007f"}"""));
}
