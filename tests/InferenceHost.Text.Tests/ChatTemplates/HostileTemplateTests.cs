using System.Diagnostics;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

public sealed class HostileTemplateTests
{
    // The promise is 100 ms; the bound here only has to tell bounded from unbounded on a busy machine.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Templates { get; } =
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 10 ** 1000000000 }}",
        "{% set ns = namespace(n=3) %}{% for i in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}",
        "{% set ns = namespace(s='xx') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
        "{% set ns = namespace(l=(1,), m=(1,)) %}{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% set ns.m = (ns.m, ns.m) %}{% endfor %}{{ {ns.l: 1}[ns.m] }}",
        "{% set ns = namespace(l=[1], m=[2]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l < ns.m }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% block a %}{{ self.a() }}{% endblock %}",
        "{% block a %}{% block b %}{{ self.a() }}{% endblock %}{% endblock %}",
        "{% set ns = namespace(g=[1]) %}{% for i in range(50000) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ ns.g|list }}",
        "{% macro m() %}{% set x %}{{ m() }}{% endset %}{% endmacro %}{{ m() }}",
        "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
        "{% for x in [1] if m(x) %}{% endfor %}{% macro m(x) %}{% for y in [1] if m(y) %}{% endfor %}{% endmacro %}{{ m(1) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.1000000000f' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'x'.center(1000000000) }}{{ 'x'|center(1000000000) }}",
        "{{ 'x'.zfill(1000000000) }}",
        "{{ 'x'|indent(1000000000) }}",
        "{{ 'x\ty'.expandtabs(1000000000) }}",
        "{{ [1]|tojson(indent=1000000000) }}",
        "{{ [1]|batch(1000000000, 'x')|list }}",
        "{{ [1]|slice(1000000000)|list }}",
        "{{ 1|round(-1000000000) }}{{ 1.5|round(1000000000) }}{{ 1|round(1000000, 'ceil') }}",
        "{{ range(0, 1000000000000) }}",
        "{{ ('a' * 1000000).replace('', 'b' * 1000) }}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000) }}",
        "{{ ('a' * 2000000).find('a' * 500000 ~ 'b' ~ 'a' * 500000) }}",
        "{{ ('a' * 2000000).rfind('a' * 500000 ~ 'b' ~ 'a' * 500000) }}",
        "{{ ('a' * 4000000).split('a')|length }}",
        "{% for i in range(100000) %}{{ ('a' * 1000000).upper()|length }}{% endfor %}",
        "{% for i in range(100000) %}{% set x = 'é' * 100000 %}{{ x|lower|length }}{% endfor %}",
        "{% set x = range(100000)|list %}{% for i in range(100000) %}{{ i in x }}{% endfor %}",
        "{% set x = range(100000)|list %}{% for i in x %}{{ x|sort|length }}{% endfor %}",
        "{% set x = range(100000)|list %}{% for i in x %}{{ x|sum }}{{ x|max }}{{ x|join|length }}{% endfor %}",
        "{% for i in range(100000) %}{{ range(100000)|map('string')|list|length }}{% endfor %}",
        "{{ 'a b ' * 1000000 | wordwrap(1) }}",
        "{{ ('a ' * 1000000)|wordwrap(3)|length }}",
        "{{ dict(range(100000)|map('string')|batch(2)|list)|dictsort|length }}{% for i in range(100000) %}{{ range(100000)|groupby(0)|length }}{% endfor %}",
        "{% for i in range(100000) %}{% include 'x' ignore missing %}{% endfor %}",
        "{{ ''.join(range(100000)|map('string')) * 100000 }}",
        "{% set x = cycler(1, 2) %}{% for i in range(100000) %}{% for j in range(100) %}{{ x.next() }}{% endfor %}{% endfor %}",
    ];

    [Theory]
    [MemberData(nameof(Templates))]
    public void HostileTemplateEndsSoonWithAClearError(string template)
    {
        var watch = Stopwatch.StartNew();
        var error = Record.Exception(() => Rendering.Text(template));
        Assert.True(watch.Elapsed < Bound, $"took {watch.ElapsedMilliseconds} ms");
        if (error is not null) Assert.True(Assert.IsAssignableFrom<TemplateException>(error).Line > 0, error.Message);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{1:", "}")]
    [InlineData("not ", "")]
    [InlineData("-", "")]
    [InlineData("x if ", "")]
    [InlineData("f(", ")")]
    public void DeepExpressionsAreRefusedOrWorkButNeverOverflowTheStack(string open, string close)
    {
        var source = "{{ " + string.Concat(Enumerable.Repeat(open, 50_000)) + "1" + string.Concat(Enumerable.Repeat(close, 50_000)) + " }}";
        Assert.IsAssignableFrom<TemplateException>(OnSmallStack(() => Rendering.Text(source)));
    }

    [Theory]
    [InlineData(" + 1")]
    [InlineData("|abs")]
    [InlineData(" and 1")]
    [InlineData(".x")]
    public void LongChainsNeverOverflowTheStack(string link)
    {
        var source = "{{ 1" + string.Concat(Enumerable.Repeat(link, 100_000)) + " }}";
        Assert.IsAssignableFrom<TemplateException>(OnSmallStack(() => Rendering.Text(source)));
    }

    [Fact]
    public void DeepStatementsNeverOverflowTheStack()
    {
        var source = string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000)) + string.Concat(Enumerable.Repeat("{% endif %}", 50_000));
        Assert.IsAssignableFrom<TemplateException>(OnSmallStack(() => Rendering.Text(source)));
    }

    [Fact]
    public void DeepValuesNeverOverflowTheStack()
    {
        var json = "{\"x\": " + new string('[', 900) + new string(']', 900) + "}";
        Assert.IsAssignableFrom<TemplateException>(OnSmallStack(() => Rendering.Text("{{ x }}", json)));
        Assert.IsAssignableFrom<TemplateException>(OnSmallStack(() => Rendering.Text("{{ x|tojson }}", json)));
    }

    [Fact]
    public void LimitsAreTheCallersAndNameThemselves()
    {
        var error = Assert.Throws<TemplateLimitException>(() => Rendering.Prompt("{{ 'x' * 11 }}", limits: new TemplateLimits { MaxOutputChars = 10 }));
        Assert.Contains("10 characters", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TemplateLimitException>(() => Rendering.Prompt("{% for i in range(99) %}{% endfor %}", limits: new TemplateLimits { MaxSteps = 50 }));
        Assert.Contains("50 steps", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TemplateLimitException>(() => Rendering.Prompt("{{ range(11) }}", limits: new TemplateLimits { MaxRangeLength = 10 }));
        Assert.Contains("10", error.Message, StringComparison.Ordinal);
        Assert.Throws<TemplateSyntaxException>(() => Rendering.Prompt("12345678901", limits: new TemplateLimits { MaxSourceChars = 10 }));
    }

    [Fact]
    public void TwoMegabytesOfMessagesRenderWithinTheDefaultLimits()
    {
        var content = new string('あ', 2_000_000);
        var prompt = Rendering.Prompt("{{ '<u>' + m|trim + '</u>' }}{{ m.split('x')[-1]|length }}", $$"""{"m": "{{content}}"}""");
        Assert.Equal(2_000_000 + 14, prompt.Text.Length);
    }

    /// <summary>Runs on a thread with a stack as small as those of a thread pool may be.</summary>
    private static Exception? OnSmallStack(Action action)
    {
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(action), 512 << 10);
        thread.Start();
        thread.Join();
        return error;
    }
}
