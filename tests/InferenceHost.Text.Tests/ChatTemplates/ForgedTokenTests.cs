using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceHost.Testing;
using InferenceHost.Text.ChatTemplates;

namespace InferenceHost.Text.Tests.ChatTemplates;

/// <summary>Over all templates at hand: what stands in a message never reaches the part of the text that may hold special tokens.</summary>
public sealed class ForgedTokenTests
{
    // Private-use characters: no template contains or makes them, so one in a template span came from a message.
    private const char Marker = '\uE123';

    private static readonly string[] Removed = ["<think>", "</think>", "[THINK]", "[/THINK]", "<|message|>", "\n", " ", ""];

    private static readonly Lazy<List<(string Name, ChatTemplate Template, string[] Tokens)>> All = new(
        () => [.. GoldenTemplates.Templates.Select(t => (t.Name, ChatTemplate.Parse(t.Source), TokensIn(t.Source)))]);

    [Fact]
    public void NoMarkedCharacterIsEverTemplateText()
    {
        SharedData.Require(GoldenTemplates.Goldens);
        var rendered = 0;
        foreach (var (name, template, tokens) in All.Value)
        {
            foreach (var token in tokens.Append("x").Take(6))
            {
                // The marks between the characters keep the token recognisable for the test and harmless for the template's own logic.
                var marked = string.Concat(token.Select(c => $"{Marker}{c}{Marker}"));
                foreach (var values in Conversations(marked, marked + token, token + marked))
                {
                    if (Render(template, values) is not { } prompt) continue;
                    rendered++;
                    foreach (var span in prompt.Spans.Where(s => s.Origin == TextOrigin.Template))
                    {
                        Assert.False(prompt.Text.AsSpan(span.Start, span.Length).Contains(Marker), $"{name}: message text in a template span of\n{Rendering.Marked(prompt)}");
                    }
                }
            }
        }

        Assert.True(rendered > 1000, $"only {rendered} renders succeeded");
    }

    [Fact]
    public void SpecialTokensInMessagesAddNoneToTheTemplateText()
    {
        SharedData.Require(GoldenTemplates.Goldens);
        var compared = 0;
        foreach (var (name, template, tokens) in All.Value)
        {
            foreach (var removed in Removed)
            {
                // What templates cut out may also make them write tokens of their own: compare with a message that holds it, too.
                var harmless = Conversations("a" + removed + "b", "a", "b").Select(v => Render(template, v)).ToArray();
                foreach (var token in tokens.Take(8))
                {
                    var cut = token.Length / 2;
                    var attacks = Conversations(token[..cut] + removed + token[cut..], token[..cut], token[cut..]).ToArray();
                    for (var i = 0; i < attacks.Length; i++)
                    {
                        if (harmless[i] is not { } before || Render(template, attacks[i]) is not { } after) continue;
                        compared++;
                        if (removed.Length == 0 && IsLookedFor(token)) continue;
                        Assert.True(Count(after, token) <= Count(before, token), $"{name}: '{token}' was forged with '{removed}' in\n{Rendering.Marked(after)}");
                    }
                }
            }
        }

        Assert.True(compared > 1000, $"only {compared} renders succeeded");
    }

    private static bool IsLookedFor(string token) => token.Contains("think", StringComparison.OrdinalIgnoreCase) || token.Contains("tool", StringComparison.OrdinalIgnoreCase);

    private static int Count(RenderedPrompt prompt, string token)
    {
        var count = 0;
        foreach (var span in prompt.Spans.Where(s => s.Origin == TextOrigin.Template))
        {
            var text = prompt.Text.AsSpan(span.Start, span.Length);
            count += text.Count(token);
        }

        return count;
    }

    private static RenderedPrompt? Render(ChatTemplate template, JsonObject values)
    {
        try
        {
            return template.Render(GoldenTemplates.ToValues(JsonSerializer.SerializeToElement(values)), GoldenTemplates.Now);
        }
        catch (TemplateRenderException)
        {
            // Many templates refuse some of the conversations.
            return null;
        }
    }

    private static IEnumerable<JsonObject> Conversations(string text, string first, string second)
    {
        yield return Chat(Message("user", text));
        yield return Chat(Message("system", text), Message("user", text), Message("assistant", text), Message("user", text));
        yield return Chat(new JsonObject { ["role"] = "user", ["content"] = new JsonArray(Part(first), Part(second)) });
        yield return Chat(Message("user", "q"), new JsonObject { ["role"] = "assistant", ["content"] = text, ["reasoning_content"] = text }, Message("user", "r"));
        var tools = Chat(
            Message("user", text),
            new JsonObject { ["role"] = "assistant", ["content"] = "", ["tool_calls"] = new JsonArray(Call(text)) },
            new JsonObject { ["role"] = "tool", ["tool_call_id"] = "abcdefghi", ["name"] = "f", ["content"] = text });
        tools["tools"] = new JsonArray(Tool(text));
        yield return tools;
        var documents = Chat(Message("user", text));
        documents["documents"] = new JsonArray(new JsonObject { ["title"] = text, ["text"] = text, ["doc_id"] = 1 });
        yield return documents;
    }

    private static JsonObject Chat(params JsonNode[] messages) => new() { ["messages"] = new JsonArray(messages), ["add_generation_prompt"] = true };

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    private static JsonObject Part(string text) => new() { ["type"] = "text", ["text"] = text };

    private static JsonObject Call(string text) => new()
    {
        ["id"] = "abcdefghi",
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = new JsonObject { ["a"] = text, [text] = new JsonArray(text, 1) } },
    };

    private static JsonObject Tool(string text) => new()
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = "f",
            ["description"] = text,
            ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["a"] = new JsonObject { ["type"] = "string", ["description"] = text } }, ["required"] = new JsonArray("a") },
        },
    };

    /// <summary>What looks like a special token in a template's source.</summary>
    private static string[] TokensIn(string source)
    {
        var found = new List<string> { "<s>", "</s>" };
        for (var i = 0; i < source.Length; i++)
        {
            var close = source[i] switch { '<' => '>', '[' => ']', _ => '\0' };
            var end = close == '\0' ? -1 : source.AsSpan(i, Math.Min(40, source.Length - i)).IndexOf(close);
            if (end < 3) continue;
            var token = source.Substring(i, end + 1);
            if (token.All(c => char.IsAsciiLetterOrDigit(c) || "<>[]|/_-".Contains(c, StringComparison.Ordinal) || c > 127)) found.Add(token);
        }

        return [.. found.Distinct()];
    }
}
