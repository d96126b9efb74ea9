using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

public sealed class GoldenRenderTests
{
    [Fact]
    public void All245GoldenRendersMatchByteForByte() => AssertAll(GoldenTemplates.GoldenRenders(), 245);

    [Fact]
    public void All700ProbesMatchByteForByteAndExpectedErrorsAreErrors() => AssertAll(GoldenTemplates.ProbeRenders(), 700);

    private static void AssertAll(IEnumerable<GoldenTemplates.Render> renders, int count)
    {
        var done = 0;
        var parsed = new Dictionary<string, ChatTemplate>();
        foreach (var render in renders)
        {
            if (!parsed.TryGetValue(render.Template, out var template)) parsed.Add(render.Template, template = ChatTemplate.Parse(render.Source));
            string? actual = null;
            TemplateRenderException? error = null;
            try
            {
                actual = template.Render(GoldenTemplates.ToValues(render.Values), GoldenTemplates.Now).Text;
            }
            catch (TemplateRenderException e)
            {
                error = e;
            }

            Assert.True(render.Output == actual, $"{render.Template} / {render.Case}\nexpected: {render.Output ?? "(an error)"}\nactual:   {actual ?? error!.Message}");
            done++;
        }

        Assert.Equal(count, done);
    }
}
