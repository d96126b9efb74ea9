using InferenceHost.Protocol.V1;
using InferenceHost.Server.Errors;
using InferenceHost.Server.Services;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Tests.Services;

public sealed class GenerateValidatorTests
{
    private static readonly Wire.Loaded s_loaded = new() { ContextTokens = 100, VocabularySize = 50 };

    public static TheoryData<string, Action<GenerateRequest>, string> OutOfRange => new()
    {
        { "both prompts", r => r.PromptTokenIds.Add(1), "prompt: found prompt and prompt_token_ids, allowed exactly one of them" },
        { "no prompt", r => r.ClearPrompt(), "prompt: found neither prompt nor prompt_token_ids, allowed exactly one of them" },
        { "half a pair", r => r.Prompt = "ab\ud800", "prompt: found a lone surrogate at character 2, allowed valid Unicode text" },
        { "low half first", r => r.Prompt = "\udc00\ud800\udc00", "prompt: found a lone surrogate at character 0, allowed valid Unicode text" },
        { "no tokens", r => r.MaxTokens = 0, "max_tokens: found 0, allowed 1 .. 100" },
        { "too many tokens", r => r.MaxTokens = 101, "max_tokens: found 101, allowed 1 .. 100" },
        { "temperature", r => r.Temperature = -0.5f, "temperature: found -0.5, allowed 0 .. 100" },
        { "temperature NaN", r => r.Temperature = float.NaN, "temperature: found NaN, allowed 0 .. 100" },
        { "temperature infinite", r => r.Temperature = float.PositiveInfinity, "temperature: found Infinity, allowed 0 .. 100" },
        { "top_k", r => r.TopK = -1, "top_k: found -1, allowed >= 0" },
        { "top_p", r => r.TopP = 0, "top_p: found 0, allowed > 0 .. 1" },
        { "min_p", r => r.MinP = 1.5f, "min_p: found 1.5, allowed 0 .. 1" },
        { "typical_p", r => r.TypicalP = 0, "typical_p: found 0, allowed > 0 .. 1" },
        { "repetition_penalty", r => r.RepetitionPenalty = 0, "repetition_penalty: found 0, allowed > 0 .. 100" },
        { "frequency_penalty", r => r.FrequencyPenalty = 101, "frequency_penalty: found 101, allowed -100 .. 100" },
        { "presence_penalty", r => r.PresencePenalty = -101, "presence_penalty: found -101, allowed -100 .. 100" },
        { "logprobs", r => r.Logprobs = 21, "logprobs: found 21, allowed 0 .. 20" },
        { "empty stop", r => r.Stop.Add(""), "stop[0]: found 0 bytes, allowed 1 .. 1024" },
        { "long stop", r => r.Stop.Add(new string('é', 513)), "stop[0]: found 1026 bytes, allowed 1 .. 1024" },
        { "many stops", r => r.Stop.Add(Enumerable.Repeat("x", 65)), "stop: found 65 strings, allowed 0 .. 64" },
        { "stop token", r => r.StopTokenIds.Add(50), "stop_token_ids[0]: found 50, allowed 0 .. 49" },
        { "many stop tokens", r => r.StopTokenIds.Add(Enumerable.Repeat(1, 257)), "stop_token_ids: found 257 tokens, allowed 0 .. 256" },
        { "bias token", r => r.LogitBias[-3] = 1, "logit_bias[-3]: found -3, allowed 0 .. 49" },
        { "bias", r => r.LogitBias[3] = float.NegativeInfinity, "logit_bias[3]: found -Infinity, allowed -100 .. 100" },
        { "n", r => r.N = 17, "n: found 17, allowed 1 .. 16" },
        { "n zero", r => r.N = 0, "n: found 0, allowed 1 .. 16" },
        { "best_of", r => (r.N, r.BestOf) = (3, 2), "best_of: found 2, allowed 3 .. 16" },
        { "priority", r => r.Priority = (Priority)7, "priority: found 7, allowed 0 (INTERACTIVE), 1 (BATCH)" },
        { "scale", r => (r.Adapter, r.AdapterScale) = ("a", 5), "adapter_scale: found 5, allowed 0 .. 4" },
        { "scale alone", r => r.AdapterScale = 1, "adapter_scale: found a scale without an adapter, allowed a request that names an adapter" },
    };

    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void FieldOutOfRangeIsNamedWithBothNumbers(string label, Action<GenerateRequest> spoil, string expected)
    {
        Assert.NotEmpty(label);
        var request = new GenerateRequest { Prompt = "x" };
        spoil(request);
        var refusal = Assert.Throws<RefusalException>(() => GenerateValidator.Check(request, s_loaded)).Refusal;
        Assert.Equal(RefusalKind.InvalidArgument, refusal.Kind);
        Assert.Contains(expected, refusal.Violations.Select(v => $"{v.Field}: {v.Description}"));
    }

    [Fact]
    public void PromptTokensAreCheckedOneByOne()
    {
        var request = new GenerateRequest { PromptTokenIds = { 0, 49, -1, 50 } };
        var refusal = Assert.Throws<RefusalException>(() => GenerateValidator.Check(request, s_loaded)).Refusal;
        Assert.Equal("prompt_token_ids[2]: found -1, allowed 0 .. 49", refusal.Message);
    }

    [Fact]
    public void PromptAsLongAsTheContextIsRefused()
    {
        var request = new GenerateRequest();
        request.PromptTokenIds.Add(Enumerable.Repeat(1, 100));
        var refusal = Assert.Throws<RefusalException>(() => GenerateValidator.Check(request, s_loaded)).Refusal;
        Assert.Equal("prompt_token_ids: found 100 tokens, allowed 1 .. 99", refusal.Message);
    }

    [Fact]
    public void MaxTokensLeavesRoomForThePrompt()
    {
        var request = new GenerateRequest { PromptTokenIds = { 1, 2, 3 }, MaxTokens = 98 };
        var refusal = Assert.Throws<RefusalException>(() => GenerateValidator.Check(request, s_loaded)).Refusal;
        Assert.Equal("max_tokens: found 98, allowed 1 .. 97", refusal.Message);
    }

    [Fact]
    public void SeveralFieldsAreNamedAtOnceButNotThousands()
    {
        var request = new GenerateRequest { Prompt = "x", TopK = -1, N = 99 };
        for (var i = 0; i < 1000; i++)
            request.LogitBias[-1 - i] = 0;
        var refusal = Assert.Throws<RefusalException>(() => GenerateValidator.Check(request, s_loaded)).Refusal;
        Assert.Equal(16, refusal.Violations.Count);
        Assert.Equal("top_k", refusal.Violations[0].Field);
    }

    [Fact]
    public void EverythingAtItsLimitIsTaken()
    {
        var request = new GenerateRequest
        {
            Prompt = "\ud83d\ude00",
            MaxTokens = 100,
            Temperature = 100,
            TopK = int.MaxValue,
            TopP = 1,
            MinP = 1,
            TypicalP = float.Epsilon,
            RepetitionPenalty = 100,
            FrequencyPenalty = -100,
            PresencePenalty = 100,
            Logprobs = 20,
            N = 16,
            BestOf = 16,
            Adapter = "a",
            AdapterScale = 0,
            Priority = Priority.Batch,
            Stop = { new string('x', 1024) },
            StopTokenIds = { 0, 49 },
        };
        GenerateValidator.Check(request, s_loaded);
    }
}
