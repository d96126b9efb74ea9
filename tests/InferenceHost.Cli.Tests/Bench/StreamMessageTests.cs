using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using Google.Protobuf;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class StreamMessageTests
{
    [Fact]
    public void LlamaTokensOfAnEventAreCounted() =>
        Assert.Equal(new LlamaEvent(2, false, null, null, null, null),
            LlamaEvent.Parse("""{"index":0,"content":"a \"b\" [1,2]","tokens":[254,7],"stop":false,"tokens_predicted":2}"""u8));

    [Fact]
    public void LlamaLastEventCarriesTheServersOwnCounts() =>
        Assert.Equal(new LlamaEvent(0, true, 64, 32, 5, null), LlamaEvent.Parse("""
            {"content":"","tokens":[],"id_slot":7,"stop":true,"tokens_predicted":64,"tokens_evaluated":32,
             "generation_settings":{"stop":[],"tokens":[1,2,3],"lora":[]},"timings":{"prompt_n":27,"cache_n":5,"predicted_ms":1.5}}
            """u8));

    [Theory]
    [InlineData("""{"error":{"code":400,"message":"too long","type":"x"}}""", "too long")]
    [InlineData("""{"error":"plain"}""", "plain")]
    public void ErrorEventsBringTheirMessage(string data, string message)
    {
        Assert.Equal(message, LlamaEvent.Parse(Encoding.UTF8.GetBytes(data)).Error);
        Assert.Equal(message, OpenAiEvent.Parse(Encoding.UTF8.GetBytes(data)).Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{\"tokens\":[1,")]
    [InlineData("no json")]
    public void MalformedEventsAreRefused(string data)
    {
        Assert.ThrowsAny<JsonException>(() => LlamaEvent.Parse(Encoding.UTF8.GetBytes(data)));
        Assert.ThrowsAny<JsonException>(() => OpenAiEvent.Parse(Encoding.UTF8.GetBytes(data.Replace("tokens", "choices", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("""{"choices":[{"text":"a","index":0,"logprobs":{"text":"z"},"finish_reason":null}]}""", true)]
    [InlineData("""{"choices":[{"text":"","index":0,"finish_reason":"length"}],"usage":null}""", false)]
    [InlineData("""{"choices":[{"delta":{"role":"assistant","content":null},"index":0}]}""", false)]
    [InlineData("""{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hi"}}],"object":"chat.completion.chunk"}""", true)]
    [InlineData("""{"choices":[{"delta":{"reasoning_content":"hm"}}]}""", true)]
    [InlineData("""{"choices":[{"delta":{}}]}""", false)]
    [InlineData("""{"choices":[]}""", false)]
    public void OpenAiTextIsFoundWhereverTheApiPutsIt(string data, bool hasText) => Assert.Equal(hasText, OpenAiEvent.Parse(Encoding.UTF8.GetBytes(data)).HasText);

    [Fact]
    public void OpenAiUsageIsRead() =>
        Assert.Equal(new OpenAiEvent(false, 3, 31, 4, null), OpenAiEvent.Parse(
            """{"choices":[],"usage":{"completion_tokens":3,"prompt_tokens":31,"total_tokens":34,"prompt_tokens_details":{"cached_tokens":4}}}"""u8));

    [Property(MaxTest = 200)]
    public void GenerateMessagesAreCountedAsTheGeneratedParserReadsThem(int[] tokens, string? text, int prompt, int cached, int completion, bool last, bool logprobs)
    {
        var message = new GenerateResponse { Text = Valid(text), Index = prompt, Reasoning = Valid(text) };
        message.TokenIds.AddRange(tokens);
        if (logprobs) message.Logprobs.Add(tokens.Select(id => new TokenLogprob { Id = id, LogProbability = -1, Alternatives = { new TokenAlternative { Id = id } } }));
        if (last)
        {
            message.FinishReason = FinishReason.MaxTokens;
            message.Usage = new Usage { PromptTokens = prompt, CachedPromptTokens = cached, CompletionTokens = completion, QueueMs = 0.5, PrefillMs = 2, AcceptedDraftTokens = 3 };
        }
        var scanned = GenerateMessage.Parse(message.ToByteArray());
        Assert.Equal(tokens.Length, scanned.Tokens);
        Assert.Equal(last, scanned.Finished);
        Assert.Equal(last ? (prompt, cached, completion) : ((int?, int?, int?))(null, null, null), (scanned.PromptTokens, scanned.CachedTokens, scanned.CompletionTokens));
    }

    [Fact]
    public void TokenIdsThatAreNotPackedCountToo() => Assert.Equal(2, GenerateMessage.Parse([0x10, 0x05, 0x10, 0xAC, 0x02]).Tokens);

    [Theory]
    [InlineData(new byte[] { 0x12, 0x05, 1 })]
    [InlineData(new byte[] { 0x10, 0x80 })]
    [InlineData(new byte[] { 0x13 })]
    [InlineData(new byte[] { 0x09, 1, 2 })]
    [InlineData(new byte[] { 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F })]
    public void CutMessagesAreRefused(byte[] wire) => Assert.Throws<InvalidDataException>(() => GenerateMessage.Parse(wire));

    private static string Valid(string? text) => new([.. (text ?? "").Where(c => !char.IsSurrogate(c))]);
}
