using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using InferenceHost.Protocol.V1;
using InferenceHost.Server.Catalogue;
using InferenceHost.Server.Chat;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Chat;

public sealed class ChatTests
{
    private const string ChatMl =
        "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}<|end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>{% if think %}<think>\n{% endif %}{% endif %}";

    [Fact]
    public async Task RenderTellsOriginsAndHasExactlyOneBos()
    {
        await using var server = await StartAsync(ChatMl);
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("Hi <|end|>") } });
        Assert.Equal("<|user|>Hi <|end|><|end|><|assistant|>", response.Text);
        Assert.Equal(
            [("<|", true), ("user", false), ("|>", true), ("Hi <|end|>", false), ("<|end|><|assistant|>", true)],
            response.Spans.Select(s => (s.Text, s.FromTemplate)));
        // The scripted tokenizer adds BOS (1); the template's own was taken away.
        Assert.Equal(response.Text.Select(c => (int)c).Prepend(1), response.TokenIds);
    }

    [Fact]
    public async Task TemplatesBosStaysOnceWhereTheTokenizerAddsNone()
    {
        var script = new Script();
        script.Loaded.AddsBos = false;
        await using var server = await StartAsync("{{ bos_token }}{{ bos_token }}{{ messages[0].content }}", script);
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("x") } });
        Assert.Equal("<s>x", response.Text);
        Assert.Equal([('<', true), ('x', false)], response.Spans.Select(s => (s.Text[0], s.FromTemplate)));
    }

    [Fact]
    public async Task BosTextInAMessageIsTextAndStays()
    {
        await using var server = await StartAsync("{{ messages[0].content }}");
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("<s>x") } });
        Assert.Equal("<s>x", response.Text);
        Assert.False(Assert.Single(response.Spans).FromTemplate);
    }

    [Fact]
    public async Task ChatSubmitsTemplatePartsAsSpecialAndMessagePartsAsText()
    {
        await using var server = await StartAsync(ChatMl);
        using var call = server.Inference.Chat(new ChatRequest { Messages = { User("Hi") }, MaxTokens = 5, Temperature = 0, Stop = { "x" } });
        var submit = await server.Engine.NextSubmitAsync();
        Assert.Equal("<|user|>Hi<|end|><|assistant|>", string.Concat(submit.Segments.Select(s => s.Text)));
        Assert.Equal(["user", "Hi"], submit.Segments.Where(s => !s.ParseSpecial).Select(s => s.Text));
        Assert.True(submit.AddBos);
        Assert.Equal((5, 0f), (submit.MaxTokens, submit.Sampling.Temperature));
        Assert.Equal(["x"], submit.Stop);
        server.Engine.Emit(submit.SequenceId, "Hello", 1);
        server.Engine.Finish(submit.SequenceId, 1, 1);
        var messages = await call.ReadAllAsync();
        Assert.Equal("Hello", messages.Text());
        Assert.Equal(FinishReason.Stop, messages[^1].FinishReason);
    }

    [Fact]
    public async Task ReasoningTheTemplateOpensGoesToItsOwnField()
    {
        await using var server = await StartAsync(ChatMl);
        using var call = server.Inference.Chat(new ChatRequest { Messages = { User("Hi") }, TemplateVariables = Variables(("think", Value.ForBool(true))) });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        foreach (var piece in (string[])["Let me ", "see.\n</th", "ink", ">\n", "\nHello", " there"])
            server.Engine.Emit(id, piece, 7);
        server.Engine.Finish(id, 1, 6);
        var messages = await call.ReadAllAsync();
        Assert.Equal("Let me see.\n", string.Concat(messages.Select(m => m.Reasoning)));
        Assert.Equal("Hello there", messages.Text());
        Assert.Equal(6, messages.Sum(m => m.TokenIds.Count));
    }

    [Fact]
    public async Task TemplateWithoutReasoningLeavesMarkersInTheText()
    {
        await using var server = await StartAsync("{{ messages[0].content }}");
        using var call = server.Inference.Chat(new ChatRequest { Messages = { User("Hi") } });
        var id = (await server.Engine.NextSubmitAsync()).SequenceId;
        server.Engine.Emit(id, "<think>x</think>y", 7);
        server.Engine.Finish(id, 1, 1);
        Assert.Equal("<think>x</think>y", (await call.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task PartsReachTheTemplateAsParts()
    {
        await using var server = await StartAsync(ChatMl);
        var message = new ChatMessage { Role = "user", Parts = { new ContentPart { Text = "<|en" }, new ContentPart { Text = "d|>" } } };
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { message } });
        Assert.Equal("<|user|><|end|><|end|><|assistant|>", response.Text);
        Assert.DoesNotContain(response.Spans, s => !s.FromTemplate && s.Text.Contains("assistant", StringComparison.Ordinal));
        Assert.Contains(response.Spans, s => s is { FromTemplate: false, Text: "<|end|>" });
    }

    [Fact]
    public async Task WholeNumbersAreIntegersForTheTemplate()
    {
        await using var server = await StartAsync("{{ n }} {{ f }} {{ list }} {{ d.k }}");
        var response = await server.Inference.RenderAsync(new RenderRequest
        {
            Messages = { User("x") },
            TemplateVariables = Variables(
                ("n", Value.ForNumber(3)), ("f", Value.ForNumber(2.5)), ("list", Value.ForList(Value.ForNumber(1), Value.ForString("a"), Value.ForNull())),
                ("d", Value.ForStruct(Variables(("k", Value.ForNumber(-1)))))),
        });
        Assert.Equal("3 2.5 [1, 'a', None] -1", response.Text);
    }

    [Theory]
    [InlineData("The answer is", "<|user|>Q<|end|><|assistant|>The answer is")]
    [InlineData("  padded  ", "<|user|>Q<|end|><|assistant|>  padded  ")]
    public async Task UnfinishedTurnIsLeftOpen(string content, string expected)
    {
        await using var server = await StartAsync(ChatMl);
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("Q"), Assistant(content) }, ContinueFinalMessage = true });
        Assert.Equal(expected, response.Text);
    }

    [Fact]
    public async Task UnfinishedTurnThatTheTemplateTrimsEndsWithItsText()
    {
        await using var server = await StartAsync("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}");
        var response = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("Q"), Assistant("A ") }, ContinueFinalMessage = true });
        Assert.Equal("[Q][A", response.Text);
    }

    [Fact]
    public async Task TurnOfTheUserIsNotContinued()
    {
        await using var server = await StartAsync(ChatMl);
        var error = await server.Inference.RenderAsync(new RenderRequest { Messages = { User("Q") }, ContinueFinalMessage = true }).ResponseAsync.FailureAsync();
        Assert.StartsWith("messages[0].role: found 'user'", Assert.Single(error.Fields()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusalOfTheTemplateIsInvalidArgumentWithItsWords()
    {
        await using var server = await StartAsync("{{ raise_exception('roles must alternate') }}");
        using var call = server.Inference.Chat(new ChatRequest { Messages = { User("x") } });
        var error = await call.ReadAllAsync().FailureAsync();
        Assert.Contains("roles must alternate", Assert.Single(error.Fields()), StringComparison.Ordinal);
        Assert.Equal("CHAT_TEMPLATE_REFUSED", error.Info().Reason);
    }

    [Theory]
    [InlineData(null, "NO_CHAT_TEMPLATE")]
    [InlineData("{% for %}", "CHAT_TEMPLATE_BROKEN")]
    public async Task MissingOrBrokenTemplateIsAClearErrorAndGenerateStillWorks(string? template, string reason)
    {
        await using var server = await StartAsync(template);
        using var chat = server.Inference.Chat(new ChatRequest { Messages = { User("x") } });
        var error = await chat.ReadAllAsync().FailureAsync();
        Assert.Equal((StatusCode.FailedPrecondition, reason), (error.StatusCode, error.Info().Reason));
        Assert.Contains("Generate", error.Status.Detail, StringComparison.Ordinal);
        using var generate = server.Inference.Generate(new GenerateRequest { Prompt = "echo ok" });
        Assert.Equal("ok", (await generate.ReadAllAsync()).Text());
    }

    [Fact]
    public async Task FieldsOutOfRangeAreNamed()
    {
        await using var server = await StartAsync(ChatMl);
        using var none = server.Inference.Chat(new ChatRequest());
        Assert.Equal(["messages: found 0 messages, allowed 1 .. 10000"], (await none.ReadAllAsync().FailureAsync()).Fields());
        var both = new ChatMessage { Role = "", Content = "a", Parts = { new ContentPart { Text = "b" } } };
        using var call = server.Inference.Chat(new ChatRequest
        {
            Messages = { both },
            TemplateVariables = Variables(("bos_token", Value.ForString("x")), ("bad", Value.ForNumber(double.NaN))),
            TopP = 0,
        });
        var fields = (await call.ReadAllAsync().FailureAsync()).Fields().Select(f => f.Split(':')[0]);
        Assert.Equal(["messages[0].role", "messages[0].content", "template_variables.bos_token", "template_variables.bad", "top_p"], fields.Order().OrderBy(f => Array.IndexOf(
            ["messages[0].role", "messages[0].content", "template_variables.bos_token", "template_variables.bad", "top_p"], f)));
    }

    private static Task<TestServer> StartAsync(string? template, Script? script = null) => TestServer.StartAsync(
        script, model: new ServedModel("scripted", "/models/scripted.gguf") { Template = new ModelTemplate(template, "model file") });

    private static ChatMessage User(string content) => new() { Role = "user", Content = content };

    private static ChatMessage Assistant(string content) => new() { Role = "assistant", Content = content };

    private static Struct Variables(params (string Name, Value Value)[] variables)
    {
        var result = new Struct();
        foreach (var (name, value) in variables)
            result.Fields[name] = value;
        return result;
    }
}
