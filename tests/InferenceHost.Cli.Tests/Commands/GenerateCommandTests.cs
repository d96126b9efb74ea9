using System.Text.Json;
using InferenceHost.Cli.Tests.Fakes;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Commands;

public sealed class GenerateCommandTests
{
    [Fact]
    public async Task TextIsStreamedAndNothingElseReachesTheOutput()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("generate", "Say hello");
        Assert.Equal((0, "Hello world\n", ""), (run.ExitCode, run.Out, run.Error));
        Assert.Equal("Say hello", server.Script.Last<GenerateRequest>().Prompt);
    }

    [Fact]
    public async Task PromptComesFromAPipeWhereNoneIsGiven()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        await server.RunWithInputAsync("日本語\nline 2", "generate");
        Assert.Equal("日本語\nline 2", server.Script.Last<GenerateRequest>().Prompt);
    }

    [Fact]
    public async Task EveryOptionReachesItsFieldAndAbsentOnesStayAbsent()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        string[] options =
        [
            "--model", "m", "--adapter", "a", "--adapter-scale", "0.5", "--max-tokens", "7", "--temperature", "0", "--top-k", "0", "--top-p", "0.25", "--min-p", "0.125",
            "--typical-p", "0.5", "--repetition-penalty", "1.5", "--frequency-penalty", "-1", "--presence-penalty", "2", "--seed", "18446744073709551615",
            "--stop", "x", "--stop", "-y", "--stop-token", "5", "--ignore-eos", "--logprobs", "3", "--logit-bias", "42=-1.5", "--logit-bias", "7=2", "--n", "1",
            "--best-of", "2", "--priority", "batch",
        ];
        await server.RunAsync(["generate", "p", .. options]);
        var expected = new GenerateRequest
        {
            Prompt = "p",
            Model = "m",
            Adapter = "a",
            AdapterScale = 0.5f,
            MaxTokens = 7,
            Temperature = 0,
            TopK = 0,
            TopP = 0.25f,
            MinP = 0.125f,
            TypicalP = 0.5f,
            RepetitionPenalty = 1.5f,
            FrequencyPenalty = -1,
            PresencePenalty = 2,
            Seed = ulong.MaxValue,
            Stop = { "x", "-y" },
            StopTokenIds = { 5 },
            IgnoreEos = true,
            Logprobs = 3,
            LogitBias = { [42] = -1.5f, [7] = 2 },
            N = 1,
            BestOf = 2,
            Priority = Priority.Batch,
        };
        Assert.Equal(expected, server.Script.Last<GenerateRequest>());
        await server.RunAsync("generate", "p");
        Assert.Equal(new GenerateRequest { Prompt = "p" }, server.Script.Last<GenerateRequest>());
    }

    [Fact]
    public async Task TokenIdsReplaceThePrompt()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("generate", "--token", "1", "2", "--token", "3");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal([1, 2, 3], server.Script.Last<GenerateRequest>().PromptTokenIds);
        Assert.False(server.Script.Last<GenerateRequest>().HasPrompt);
    }

    [Fact]
    public async Task JsonGivesOneObjectPerMessageWithTheNamesOfTheProto()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("generate", "p", "--json");
        JsonElement[] messages = [.. run.OutLines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal("Hello world", string.Concat(messages.Select(m => m.GetProperty("text").GetString())));
        Assert.Equal("STOP", messages[^1].GetProperty("finish_reason").GetString());
        Assert.Equal(3, messages[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task InterleavedSamplesAreWrittenOneAfterTheOther()
    {
        var script = new Script
        {
            Messages =
            [
                new() { Text = "a1 ", Index = 0 },
                new() { Text = "b1 ", Index = 1 },
                new() { Text = "a2", Index = 0 },
                new() { Text = "b2", Index = 1, FinishReason = FinishReason.MaxTokens, Usage = new Usage() },
                new() { Index = 0, FinishReason = FinishReason.Stop, Usage = new Usage() },
            ],
        };
        await using FakeServer server = await FakeServer.StartAsync(script);
        CliRun run = await server.RunAsync("generate", "p", "--n", "2");
        Assert.Equal(["--- sample 1: ended by --max-tokens", "b1 b2", "--- sample 0: ended by the model", "a1 a2"], run.OutLines);
    }

    [Fact]
    public async Task ReasoningStaysOutOfTheOutput()
    {
        var script = new Script { Messages = [new() { Reasoning = "hmm" }, new() { Text = "42", FinishReason = FinishReason.Stop, Usage = new Usage() }] };
        await using FakeServer server = await FakeServer.StartAsync(script);
        CliRun run = await server.RunAsync("generate", "p");
        Assert.Equal("42\n", run.Out);
        Assert.Contains("hmm", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatsTellTokensAndSpeedOnTheErrorStream()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("generate", "p", "--stats");
        Assert.Equal("Hello world\n", run.Out);
        Assert.Equal("4 prompt tokens, first token after 10 ms, 3 tokens, 100.0 tok/s, ended by the model\n", run.Error);
    }

    [Fact]
    public async Task LogProbabilitiesAreATableBehindTheText()
    {
        var script = new Script
        {
            Messages =
            [
                new()
                {
                    Text = "x", FinishReason = FinishReason.MaxTokens, Usage = new Usage(),
                    Logprobs = { new TokenLogprob { Id = 7, LogProbability = -0.25f, Alternatives = { new TokenAlternative { Id = 9, LogProbability = -1.5f } } } },
                },
            ],
        };
        await using FakeServer server = await FakeServer.StartAsync(script);
        CliRun run = await server.RunAsync("generate", "p", "--logprobs", "1");
        Assert.Equal(["x", "token id  log-probability  alternatives", "7         -0.2500          9: -1.5000"], run.OutLines);
    }

    [Fact]
    public async Task CancellingEndsTheCallOnTheServerWithExitCode130()
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { NeverEnds = true });
        using var cancel = new CancellationTokenSource();
        Task<CliRun> running = CliRun.RunAsync(server.Endpoint, "", cancel.Token, "generate", "p");
        await server.Script.Streamed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await cancel.CancelAsync();
        CliRun run = await running.WaitAsync(TimeSpan.FromSeconds(30));
        await server.Script.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((130, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task TimeoutEndsTheCallWithExitCode7()
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { NeverEnds = true });
        CliRun run = await server.RunAsync("generate", "p", "--timeout", "0.3");
        Assert.Equal(7, run.ExitCode);
        Assert.Contains("did not end within --timeout (DEADLINE_EXCEEDED)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ControlCharactersOfAModelDoNotReachATerminal()
    {
        var script = new Script { Messages = [new() { Text = "a\u001b[2Jb", FinishReason = FinishReason.Stop, Usage = new Usage() }] };
        await using FakeServer server = await FakeServer.StartAsync(script);
        Assert.Contains("a\u241b[2Jb", (await CliRun.RunOnTerminalAsync(server.Endpoint, "generate", "p")).Out, StringComparison.Ordinal);
        Assert.Equal("a\u001b[2Jb\n", (await server.RunAsync("generate", "p")).Out);
    }
}
