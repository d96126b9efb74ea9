using System.Diagnostics;
using System.Text.Json;
using InferenceHost.EndToEnd.Tests.Hosting;
using InferenceHost.Testing;

namespace InferenceHost.EndToEnd.Tests;

/// <summary>The executable as a user or a script runs it.</summary>
[Collection(DefaultServer.Collection)]
public sealed class CommandLineTests(DefaultServer fixture)
{
    private readonly ServerProcess _server = fixture.Server;

    [Fact]
    public async Task GenerateStreamsTextAndNothingElse()
    {
        CommandResult result = await _server.RunAsync("generate", "The capital of France is", "--max-tokens", "8", "--temperature", "0");
        Assert.Contains("Paris", result.Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task RefusalNamesFieldAndNumbersWithoutAStackTrace()
    {
        CommandResult result = await _server.RunAsync("generate", "x", "--top-p", "7");
        Assert.Equal((2, ""), (result.ExitCode, result.Out));
        Assert.Contains("top_p", result.Error, StringComparison.Ordinal);
        Assert.Contains("7", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StatusTellsThatItServes()
    {
        CommandResult result = await _server.RunAsync("status", "--json", "--wait", "10");
        Assert.Equal("serving", JsonDocument.Parse(result.Succeeded().Out).RootElement.GetProperty("state").GetString());
    }

    [Fact]
    public async Task DetokenizeUndoesTokenize()
    {
        CommandResult ids = await _server.RunAsync("tokenize", "Hello <|im_end|> 日本");
        Assert.Equal("Hello <|im_end|> 日本\n", (await _server.RunWithInputAsync(ids.Succeeded().Out, "detokenize")).Succeeded().Out);
    }

    [Fact]
    public async Task VocabularyFileTokenizesWithoutAServerLikeTheServer()
    {
        string[] texts = ["Hello world", "  two spaces\n", "日本語 <|im_end|>", ""];
        string input = string.Concat(texts.Select(text => JsonSerializer.Serialize(text) + "\n"));
        CommandResult local = await OfflineAsync(input, "tokenize", "--tokenizer", SharedData.DefaultModel, "--lines");
        CommandResult served = await _server.RunWithInputAsync(input, "tokenize", "--lines");
        Assert.Equal(served.Succeeded().Out, local.Succeeded().Out);
        CommandResult back = await OfflineAsync(local.Out, "detokenize", "--tokenizer", SharedData.DefaultModel, "--lines");
        Assert.Equal(texts, back.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line)));
    }

    [Fact]
    public async Task LineThatCannotBeTokenizedIsAnsweredAndTheNextOnesGoOn()
    {
        CommandResult result = await OfflineAsync("\"a\"\n\"\\ud800\"\n42\n\"a\"\n", "tokenize", "--tokenizer", SharedData.DefaultModel, "--lines");
        string[] lines = result.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.Equal(lines[0], lines[3]);
        Assert.All(lines[1..3], line => Assert.StartsWith("{\"error\":", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("llmjp31")]
    [InlineData("llmjp4")]
    public async Task UnigramVocabulariesAreExactInLinesBothWays(string name)
    {
        string vocabulary = SharedData.Require($"tokenizers/{name}.vocab.gguf");
        using JsonDocument golden = JsonDocument.Parse(await File.ReadAllBytesAsync(SharedData.Require($"tokenizers/{name}.golden.json")));
        JsonElement[] cases = [.. golden.RootElement.GetProperty("cases").EnumerateArray()];
        string texts = string.Concat(cases.Select(item => JsonSerializer.Serialize(item.GetProperty("text").GetString()) + "\n"));
        string[] ids = [.. cases.Select(item => JsonSerializer.Serialize(item.GetProperty("ids").Deserialize<int[]>()))];
        CommandResult encoded = await OfflineAsync(texts, "tokenize", "--tokenizer", vocabulary, "--lines");
        Assert.Equal(ids, encoded.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        CommandResult decoded = await OfflineAsync(encoded.Out, "detokenize", "--tokenizer", vocabulary, "--lines");
        Assert.Equal(
            cases.Select(item => item.GetProperty("text").GetString()),
            decoded.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string>(line)));
    }

    [Fact]
    public async Task TemplatesRenderWithoutServerOrModel()
    {
        const string line = """{"template": "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{{ strftime_now('%Y-%m-%d') }}", "values": {"messages": [{"role": "user", "content": "こんにちは"}]}, "now": "2026-01-11T09:30:00"}""";
        CommandResult result = await OfflineAsync(line + "\n{}\n", "render", "--lines");
        string[] lines = result.Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("[user] こんにちは\n2026-01-11", JsonDocument.Parse(lines[0]).RootElement.GetProperty("output").GetString());
        Assert.True(JsonDocument.Parse(lines[1]).RootElement.TryGetProperty("error", out _));
    }

    [Fact]
    public async Task InspectAndVerifyWorkOnAFileAndAChangedFileFails()
    {
        CommandResult inspected = await OfflineAsync("", "models", "inspect", SharedData.DefaultModel, "--json");
        JsonElement model = JsonDocument.Parse(inspected.Succeeded().Out).RootElement;
        Assert.Equal(("llama", "IQ4_NL"), (model.GetProperty("info").GetProperty("architecture").GetString(), model.GetProperty("info").GetProperty("quantization").GetString()));
        Assert.Equal(30, model.GetProperty("layers").GetInt32());
        CommandResult verified = await OfflineAsync("", "models", "verify", SharedData.DefaultModel);
        Assert.Contains("as expected", verified.Succeeded().Out, StringComparison.Ordinal);
        CommandResult wrong = await OfflineAsync("", "models", "verify", SharedData.DefaultModel, "--sha256", new string('0', 64));
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("89f0c60e7b785328eade05744d4e34a2ce581546312be71a5e296908d97f5eee", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InterruptEndsTheCommandWith130AndItsSequence()
    {
        var start = new ProcessStartInfo(Repository.Executable, ["generate", "Once upon a time", "--max-tokens", "4000", "--ignore-eos", "--endpoint", _server.Endpoint.ToString()])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Streams.Limit);
        try
        {
            Assert.True(await process.StandardOutput.BaseStream.ReadAsync(new byte[1], limit.Token) > 0);
            ServerProcess.Interrupt(process.Id);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(130, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
        await _server.UntilIdleAsync(limit.Token);
    }

    private static Task<CommandResult> OfflineAsync(string input, params string[] args) =>
        CommandResult.RunAsync(Repository.Executable, args, input, new Dictionary<string, string> { ["INFERENCEHOST_ENDPOINT"] = "http://127.0.0.1:9" });
}
