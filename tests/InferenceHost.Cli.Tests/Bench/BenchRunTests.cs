using System.CommandLine;
using System.Text.Json;
using System.Xml.Linq;
using Grpc.Core;
using InferenceHost.Cli.Bench;
using InferenceHost.Cli.Bench.Reports;
using Spectre.Console;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class BenchRunTests : IAsyncLifetime
{
    private FakePeers _peers = null!;

    public async ValueTask InitializeAsync() => _peers = await FakePeers.StartAsync();

    public ValueTask DisposeAsync() => _peers.DisposeAsync();

    [Fact]
    public async Task AllKindsOfTargetsTakeTurnsOnTheSameRequests()
    {
        var folder = Directory.CreateTempSubdirectory("bench-test-");
        try
        {
            string Output(string name) => Path.Combine(folder.FullName, "new", name);
            var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--target", $"llama={_peers.Http}", "--target", $"openai={_peers.Http}/v1",
                "--streams", "1,3", "--requests-per-stream", "2", "--max-tokens", "6", "--ignore-eos", "-r", "3", "--pause-ms", "0", "--slo-ttft-ms", "60000",
                "--json", Output("r.json"), "--markdown", Output("r.md"), "--svg", Output("r.svg"));
            Assert.Equal((0, ""), (run.Code, run.Error));
            var report = JsonReport.Read(await File.ReadAllTextAsync(Output("r.json")));
            Assert.Equal("llama-server", report.Baseline);
            Assert.Equal([1, 3], report.Levels.Select(level => level.Streams!.Value));
            foreach (var level in report.Levels)
            {
                Assert.All(level.Targets, target => Assert.Equal((level.Streams!.Value * 2 * 3, 0), (target.Requests, target.FailedRequests)));
                Assert.All(level.Targets, target => Assert.Equal((target.Requests * 6, 0), (target.Tokens, target.CountMismatches)));
                Assert.All(level.Targets, target => Assert.Equal(target.RequestsPerSecond, target.GoodRequestsPerSecond));
                Assert.Equal(["inferencehost", "openai"], level.Ratios.Select(ratio => ratio.Target).Distinct());
                Assert.All(level.Ratios, ratio => Assert.Equal(3, ratio.PerRound.Count));
            }
            Assert.Contains("![Throughput and latency](r.svg)", await File.ReadAllTextAsync(Output("r.md")), StringComparison.Ordinal);
            Assert.NotNull(XDocument.Parse(await File.ReadAllTextAsync(Output("r.svg"))).Root);
            Assert.Contains("tokens/s", run.Out, StringComparison.Ordinal);

            // Warm-up and three rounds of both levels; gRPC and llama-server got the same ids in the same order of rounds.
            Assert.Equal(4 * (2 + 6), _peers.Seen.Generate.Count);
            var ours = _peers.Seen.Generate.Select(request => string.Join(',', request.PromptTokenIds)).Order(StringComparer.Ordinal).ToList();
            var theirs = _peers.Seen.Http.Where(request => request.TryGetProperty("n_predict", out _))
                .Select(request => string.Join(',', request.GetProperty("prompt").EnumerateArray())).Order(StringComparer.Ordinal).ToList();
            Assert.Equal(ours, theirs);
            Assert.Distinct(ours);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task EveryOtherRoundRunsInReverseOrder()
    {
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--target", $"grpc={_peers.Grpc},name=plain,adapters=off",
            "--streams", "1", "--adapters", "bank", "--max-tokens", "2", "-r", "3", "--warmup", "0", "--pause-ms", "0");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(["bank", "", "", "bank", "bank", ""], _peers.Seen.Generate.Select(request => request.Adapter ?? ""));
    }

    [Fact]
    public async Task AdaptersAreDealtRoundRobinInEachProtocolsOwnWay()
    {
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--target", $"grpc={_peers.Grpc},name=plain,adapters=off", "--target", $"llama={_peers.Http}",
            "--streams", "3", "--adapters", "hospital,base,bank", "--max-tokens", "2", "-r", "1", "--warmup", "0", "--pause-ms", "0", "--cache-prompt", "off");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(["", "", "", "", "bank", "hospital"], _peers.Seen.Generate.Select(request => request.Adapter ?? "").Order(StringComparer.Ordinal));
        var llama = _peers.Seen.Http.Select(request => request.GetProperty("lora").ToString()).Order(StringComparer.Ordinal);
        Assert.Equal(["[]", """[{"id":0,"scale":1}]""", """[{"id":1,"scale":1}]"""], llama.Order(StringComparer.Ordinal));
        Assert.All(_peers.Seen.Http, request => Assert.Equal(JsonValueKind.False, request.GetProperty("cache_prompt").ValueKind));
        // The second target is the same server: its prompts differ, or the first one's would lie in its cache.
        Assert.Equal(6, _peers.Seen.Generate.Select(request => string.Join(',', request.PromptTokenIds)).Distinct().Count());
    }

    [Fact]
    public async Task OpenLoopCountsEveryRequest()
    {
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--rate", "500", "-n", "40", "--lengths", "alpaca", "--max-tokens", "8", "-r", "1", "--warmup", "0");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(40, _peers.Seen.Generate.Count);
        Assert.All(_peers.Seen.Generate, request => Assert.InRange(request.MaxTokens, 1, 8));
        Assert.Contains("0 of 40", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TextsAreCutToLengthByTheServersTokenizer()
    {
        using var file = new TemporaryFile("{\"turns\":[\"abcdefgh\"]}\n");
        var run = await RunAsync("--target", $"llama={_peers.Http}", "--prompts", file.Path, "--prompt-length", "20", "--max-tokens", "1", "-r", "1", "--warmup", "0");
        Assert.Equal((0, ""), (run.Code, run.Error));
        var ids = Assert.Single(_peers.Seen.Http).GetProperty("prompt").EnumerateArray().Select(id => (char)id.GetInt32()).ToArray();
        Assert.Equal(20, ids.Length);
        Assert.Contains(new string(ids), string.Concat(Enumerable.Repeat("abcdefgh", 5)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChatTargetsGetTheirTextAsAUserMessage()
    {
        var run = await RunAsync("--target", $"openai={_peers.Http}/v1,api=chat", "--prompt-text", "Hello there", "--max-tokens", "3", "-r", "1", "--warmup", "0");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("Hello there", Assert.Single(_peers.Seen.Http).GetProperty("messages")[0].GetProperty("content").GetString());
        var refused = await RunAsync("--target", $"openai={_peers.Http}/v1,api=chat", "-r", "1");
        Assert.Equal(ExitCode.Usage, refused.Code);
    }

    [Theory]
    [InlineData("second-request", "extra_steps")]
    [InlineData("long-prefill", "p99_ratio")]
    [InlineData("shared-prefix", "repeat_ratio")]
    public async Task ScenariosRunAgainstEveryKindOfTarget(string scenario, string metric)
    {
        _peers.Seen.Slow = true;
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--target", $"llama={_peers.Http}", "--scenario", scenario, "--streams", "2",
            "--adapters", "bank,hospital", "--max-tokens", "64", "-r", "2", "--warmup", "0", "--pause-ms", "0");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains(metric, run.Out, StringComparison.Ordinal);
        // The probe is another tenant than the background.
        if (scenario != "shared-prefix") Assert.Equal(["bank", "hospital"], _peers.Seen.Generate.Select(request => request.Adapter).Distinct().Order(StringComparer.Ordinal));
        else Assert.All(_peers.Seen.Generate.Chunk(4), four => Assert.Single(four.Select(request => string.Join(',', request.PromptTokenIds.Take(1024))).Distinct()));
    }

    [Fact]
    public async Task FailuresAreCountedByTheirTextAndEndInExitCode1()
    {
        _peers.Seen.RefuseGrpc = StatusCode.ResourceExhausted;
        _peers.Seen.RefuseHttp = true;
        string[] arguments = ["--target", $"grpc={_peers.Grpc}", "--target", $"llama={_peers.Http}", "--streams", "2", "-r", "2", "--warmup", "0", "--pause-ms", "0"];
        var run = await RunAsync(arguments);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("4 x ResourceExhausted: no room", run.Out, StringComparison.Ordinal);
        Assert.Contains("""4 x HTTP 400: {"error":{"message":"not today"}}""", run.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, (await RunAsync([.. arguments, "--max-errors", "8"])).Code);
    }

    [Fact]
    public async Task CutStreamsAreFailures()
    {
        _peers.Seen.CutStreams = true;
        var run = await RunAsync("--target", $"llama={_peers.Http}", "-r", "1", "--warmup", "0");
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("ended before its last event", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TokensWithoutAMessageOfTheirOwnAreCountedAndTold()
    {
        _peers.Seen.UnstreamedTokens = 2;
        var run = await RunAsync("--target", $"llama={_peers.Http}", "--max-tokens", "5", "-r", "1", "--warmup", "0");
        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Contains("1 requests streamed another number of tokens", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestsThatTakeTooLongAreFailures()
    {
        _peers.Seen.NeverAnswer = true;
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--timeout", "0.05", "-r", "1", "--warmup", "0");
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("no end within 0.1 s", run.Out.Replace("0.05", "0.1", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancellationEndsTheRun()
    {
        _peers.Seen.NeverAnswer = true;
        using var cancel = new CancellationTokenSource();
        var running = RunAsync(cancel.Token, "--target", $"grpc={_peers.Grpc}");
        while (_peers.Seen.Generate.IsEmpty) await Task.Delay(5);
        await cancel.CancelAsync();
        Assert.Equal(ExitCode.Cancelled, (await running).Code);
    }

    [Fact]
    public async Task AMissedRatioHasItsOwnExitCode()
    {
        string[] arguments = ["--target", $"grpc={_peers.Grpc}", "--target", $"llama={_peers.Http}", "-r", "1", "--warmup", "0", "--pause-ms", "0"];
        Assert.Equal(BenchException.RatioMissed, (await RunAsync([.. arguments, "--min-ratio", "100000"])).Code);
        Assert.Equal(ExitCode.Ok, (await RunAsync([.. arguments, "--min-ratio", "1=0.00001"])).Code);
    }

    [Fact]
    public async Task AStrictScenarioFailsWhereOurServerMissesItsLimit()
    {
        // This peer has no prefix cache: a repeated prompt takes as long as the first time.
        _peers.Seen.Slow = true;
        string[] arguments = ["--scenario", "shared-prefix", "-r", "1", "--warmup", "0", "--pause-ms", "0"];
        Assert.Equal(BenchException.RatioMissed, (await RunAsync([.. arguments, "--strict", "--target", $"grpc={_peers.Grpc}"])).Code);
        Assert.Equal(ExitCode.Ok, (await RunAsync([.. arguments, "--target", $"grpc={_peers.Grpc}"])).Code);
        Assert.Equal(ExitCode.Ok, (await RunAsync([.. arguments, "--strict", "--target", $"llama={_peers.Http}"])).Code);
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("llama")]
    [InlineData("openai")]
    public async Task ServersThatAreNotThereAreNamed(string kind)
    {
        var run = await RunAsync("--target", $"{kind}=http://127.0.0.1:1,name=gone");
        Assert.Equal(ExitCode.Unavailable, run.Code);
        Assert.Contains("target 'gone': http://127.0.0.1:1/", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdaptersTheServerLacksAreNamed()
    {
        var run = await RunAsync("--target", $"llama={_peers.Http}", "--adapters", "bank,nobody");
        Assert.Equal(ExitCode.Unavailable, run.Code);
        Assert.Contains("'nobody' (it has: bank, hospital)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FilesThatCannotBeWrittenAreNamed()
    {
        var run = await RunAsync("--target", $"grpc={_peers.Grpc}", "--max-tokens", "1", "-r", "1", "--warmup", "0", "--json", "/proc/nothing/r.json");
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("--json: /proc/nothing/r.json", run.Error, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments) => RunAsync(CancellationToken.None, arguments);

    private static async Task<(int Code, string Out, string Error)> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        using var input = new StringReader("");
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        var cli = new CliContext { In = input, Out = output, Error = error, Ansi = console, AnsiError = console };
        var root = new RootCommand { BenchCommand.Create(cli) };
        var code = await root.Parse(["bench", .. arguments]).InvokeAsync(new InvocationConfiguration { Output = output, Error = error }, cancellationToken);
        var problems = error.ToString().Split('\n').Where(line => line.StartsWith("error", StringComparison.Ordinal) || line.StartsWith("  at ", StringComparison.Ordinal));
        return (code, output.ToString(), string.Join('\n', problems));
    }
}
