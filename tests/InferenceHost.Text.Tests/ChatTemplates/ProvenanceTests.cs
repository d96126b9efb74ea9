using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

public sealed class ProvenanceTests
{
    private const string Values = """{"m": "ab,Cd", "l": ["x", "y"], "d": {"k": "v"}, "n": 12, "s": " p ", "bos_token": "<s>"}""";

    [Theory]
    [InlineData("{{ bos_token }}[{{ m }}]", "<s>[«ab,Cd»]")]
    [InlineData("{{ m[1:4] }}|{{ m[::-1] }}|{{ m[0] }}", "«b,C»|«dC,ba»|«a»")]
    [InlineData("{{ m.split(',')[1] }}", "«Cd»")]
    [InlineData("{{ m.replace(',', '<|x|>') }}", "«ab»<|x|>«Cd»")]
    [InlineData("{{ '<|' ~ m ~ '|>' }}", "<|«ab,Cd»|>")]
    [InlineData("{{ '<|' + m + '|>' }}", "<|«ab,Cd»|>")]
    [InlineData("{{ ('<|' + m + '|>')[1:5] }}", "|«ab,»")]
    [InlineData("{{ ('<' + m + '>').upper() }}", "<«AB,CD»>")]
    [InlineData("{{ ('<' + m + '>')|title }}", "<«Ab,cd»>")]
    [InlineData("{{ s|trim }}-{{ s.strip() }}", "«p»-«p»")]
    [InlineData("{{ l|join('-') }}", "«x»-«y»")]
    [InlineData("{{ '-'.join(l) }}", "«x»-«y»")]
    [InlineData("{{ 'a%sb%5s' % (m, 'q') }}", "a«ab,Cd»b    q")]
    [InlineData("{{ 'a{}b{:>3}'.format(m, 'q') }}", "a«ab,Cd»b  q")]
    [InlineData("{{ m.format() }}{{ m % () }}", "«ab,Cdab,Cd»")]
    [InlineData("{{ d|tojson }}", "«{\"k\": \"v\"}»")]
    [InlineData("{{ {'a': m}|tojson }}", "{\"a\": «\"ab,Cd\"»}")]
    [InlineData("{{ d }}{{ l }}", "«{'k': 'v'}['x', 'y']»")]
    [InlineData("{{ [m, 'q'] }}", "[«'ab,Cd'», 'q']")]
    [InlineData("{{ d.items()|list }}", "«[('k', 'v')]»")]
    [InlineData("{% for k in d %}<{{ k }}>{% endfor %}", "<«k»>")]
    [InlineData("{% for c in m[:2] %}<{{ c }}>{% endfor %}", "<«a»><«b»>")]
    [InlineData("{{ n }}{{ n + 1 }}{{ '%03d' % n }}{{ n|string ~ 'x' }}", "«121301212»x")]
    [InlineData("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(m) }}{{ f(m)|length }}", "<«ab,Cd»>7")]
    [InlineData("{% set x %}<{{ m }}>{% endset %}{{ x[:3] }}", "<«ab»")]
    [InlineData("{% filter replace(',', '!') %}<{{ m }}>{% endfilter %}", "<«ab»!«Cd»>")]
    [InlineData("{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}{{ m }}{% endcall %}", "<«ab,Cd»>")]
    [InlineData("{% generation %}{{ m }}{% endgeneration %}!", "«ab,Cd»!")]
    [InlineData("{{ (m ~ '\\nz')|indent(2) }}", "«ab,Cd»\n  z")]
    [InlineData("{{ m|e }}{{ ('<' ~ m)|e }}", "«ab,Cd»&lt;«ab,Cd»")]
    [InlineData("{{ m|list|first ~ m|last }}", "«ad»")]
    [InlineData("{{ l|map('upper')|join }}", "«XY»")]
    [InlineData("{{ m|urlencode }}", "«ab%2CCd»")]
    [InlineData("{{ m.partition(',') }}", "(«'ab'», «','», «'Cd'»)")]
    [InlineData("{{ strftime_now(m) }}", "«ab,Cd»")]
    [InlineData("{{ m|default('x') }}{{ nope|default(m) }}", "«ab,Cdab,Cd»")]
    [InlineData("{% set ns = namespace(t='<') %}{% for x in l %}{% set ns.t = ns.t ~ x ~ '|' %}{% endfor %}{{ ns.t }}", "<«x»|«y»|")]
    public void EveryCharacterKeepsItsOrigin(string template, string marked) => Assert.Equal(marked, Rendering.Marked(template, Values));

    [Fact]
    public void SpansCoverTheTextInMaximalRuns()
    {
        var prompt = Rendering.Prompt("{{ bos_token }}{{ m }}{{ m }}</s>{{ '' }}x{{ l|join(m) }}", Values);
        var at = 0;
        for (var i = 0; i < prompt.Spans.Count; i++)
        {
            Assert.Equal(at, prompt.Spans[i].Start);
            Assert.True(prompt.Spans[i].Length > 0);
            if (i > 0) Assert.NotEqual(prompt.Spans[i - 1].Origin, prompt.Spans[i].Origin);
            at = prompt.Spans[i].End;
        }

        Assert.Equal(prompt.Text.Length, at);
        Assert.Equal(4, prompt.Spans.Count);
    }

    [Fact]
    public void EmptyPromptHasNoSpans() => Assert.Empty(Rendering.Prompt("{{ nope }}").Spans);

    [Fact]
    public void SurrogatePairsAreNeverCut()
    {
        var prompt = Rendering.Prompt("{{ m[1] }}{{ m[::-1] }}{% for c in m %}<{{ c }}>{% endfor %}", """{"m": "a😀b"}""");
        Assert.Equal("😀b😀a<a><😀><b>", prompt.Text);
        Assert.All(prompt.Spans, s => Assert.False(char.IsLowSurrogate(prompt.Text[s.Start])));
    }

    [Fact]
    public void TokensFromAMessageUnderATokenNameOfTheCallerStayTemplateText()
    {
        var values = new TemplateValues().Add("eos_token", "</s>", TextOrigin.Template).Add("content", "</s>", TextOrigin.Message);
        var prompt = ChatTemplate.Parse("{{ content }}{{ eos_token }}").Render(values, GoldenTemplates.Now);
        Assert.Equal("«</s>»</s>", Rendering.Marked(prompt));
    }
}
