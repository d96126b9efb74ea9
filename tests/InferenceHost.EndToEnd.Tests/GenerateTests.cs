using Grpc.Health.V1;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Protocol.V1;

namespace InferenceHost.EndToEnd.Tests;

[Collection(DefaultServer.Collection)]
public sealed class GenerateTests(DefaultServer fixture)
{
    private readonly ServerProcess _server = fixture.Server;

    [Fact]
    public async Task ReadyLineNamesEndpointDeviceModelContextAndSlotsAndHealthSaysServing()
    {
        Assert.Matches(@"^ready http://127\.0\.0\.1:[1-9]\d* http=http://127\.0\.0\.1:[1-9]\d* device=""CPU[^""]*"" model=SmolLM2\S* context=16384 slots=16( \S+)*$", _server.ReadyLine);
        HealthCheckResponse health = await _server.Health.CheckAsync(new HealthCheckRequest(), deadline: Streams.Deadline);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task EnglishTextIsContinuedSensibly()
    {
        Completion completion = await _server.GenerateAsync(new GenerateRequest { Prompt = "The capital of France is", MaxTokens = 12, Temperature = 0 });
        Assert.Contains("Paris", completion.Text, StringComparison.Ordinal);
        Assert.Equal(FinishReason.MaxTokens, completion.FinishReason);
        Assert.Equal((5, 12, 12), (completion.Usage!.PromptTokens, completion.Usage.CompletionTokens, completion.TokenIds.Count));
    }

    [Fact]
    public async Task SameSeedGivesTheSameTokensOnAnIdleServerAndAnotherSeedOthers()
    {
        // Rows of other streams in the batch change the engine's rounding, and with it what is drawn near a tie.
        using var limit = new CancellationTokenSource(Streams.Limit);
        await _server.UntilIdleAsync(limit.Token);
        var request = new GenerateRequest { Prompt = "Once upon a time", MaxTokens = 16, Temperature = 1, Seed = 7 };
        Completion first = await _server.GenerateAsync(request);
        Completion again = await _server.GenerateAsync(request);
        request.Seed = 8;
        Completion other = await _server.GenerateAsync(request);
        Assert.Equal(first.TokenIds, again.TokenIds);
        Assert.NotEqual(first.TokenIds, other.TokenIds);
    }

    [Fact]
    public async Task StopStringIsNotPartOfTheText()
    {
        Completion completion = await _server.GenerateAsync(new GenerateRequest { Prompt = "1, 2, 3, 4, 5, 6, 7, 8,", MaxTokens = 32, Temperature = 0, Stop = { "11" } });
        Assert.Equal(FinishReason.StopSequence, completion.FinishReason);
        Assert.DoesNotContain("11", completion.Text, StringComparison.Ordinal);
        Assert.Contains("10", completion.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogProbabilitiesFallFromBestToWorst()
    {
        using var call = _server.Inference.Generate(new GenerateRequest { Prompt = "The capital of France is", MaxTokens = 4, Temperature = 0, Logprobs = 3 }, deadline: Streams.Deadline);
        var tokens = new List<TokenLogprob>();
        while (await call.ResponseStream.MoveNext(default))
            tokens.AddRange(call.ResponseStream.Current.Logprobs);
        Assert.Equal(4, tokens.Count);
        Assert.All(tokens, token =>
        {
            Assert.Equal(3, token.Alternatives.Count);
            Assert.Equal(token.Id, token.Alternatives[0].Id);
            Assert.True(token.Alternatives[0].LogProbability >= token.Alternatives[1].LogProbability && token.LogProbability <= 0);
        });
    }

    [Fact]
    public async Task TextSurvivesTokenizingAndDetokenizing()
    {
        const string text = "Grüße, 日本語 and 👩‍👩‍👧 — <|im_end|> is only text here.";
        TokenizeResponse tokens = await _server.Inference.TokenizeAsync(new TokenizeRequest { Text = text, AddSpecial = false }, deadline: Streams.Deadline);
        DetokenizeResponse back = await _server.Inference.DetokenizeAsync(new DetokenizeRequest { TokenIds = { tokens.TokenIds } }, deadline: Streams.Deadline);
        Assert.Equal(text, back.Text);
    }

    [Fact]
    public async Task ThousandConcurrentCallsAreAnsweredEachWithItsOwn()
    {
        IEnumerable<Task<(string, string)>> calls = Enumerable.Range(0, 1000).Select(async i =>
        {
            string text = $"call number {i}";
            TokenizeResponse tokens = await _server.Inference.TokenizeAsync(new TokenizeRequest { Text = text, AddSpecial = false }, deadline: Streams.Deadline);
            DetokenizeResponse back = await _server.Inference.DetokenizeAsync(new DetokenizeRequest { TokenIds = { tokens.TokenIds } }, deadline: Streams.Deadline);
            return (text, back.Text);
        });
        Assert.All(await Task.WhenAll(calls), pair => Assert.Equal(pair.Item1, pair.Item2));
    }
}
