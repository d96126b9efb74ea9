using System.CommandLine;
using InferenceHost.Cli.Bench;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class BenchOptionReaderTests
{
    [Fact]
    public void DefaultsAreAClosedLoopOfOneStream()
    {
        var settings = Read();
        Assert.Equal([new LoadLevel(1, null)], settings.Levels);
        Assert.Equal((64, 5, 1, 1, "inferencehost"), (settings.Plan.MaxTokens, settings.Repetitions, settings.WarmupRounds, settings.RequestsPerStream, settings.Baseline));
        Assert.Null(settings.Plan.PromptLength);
    }

    [Fact]
    public void BaselineIsTheFirstForeignServer() =>
        Assert.Equal("yard", Read("--target", "openai=http://b,name=yard", "--target", "llama=http://c").Baseline);

    [Fact]
    public void SweepsAndRatiosAreReadPerLevel()
    {
        var settings = Read("--streams", "1,8,32", "--min-ratio", "1=0.95,32=1.3");
        Assert.Equal([1, 8, 32], settings.Levels.Select(level => level.Streams!.Value));
        Assert.Equal(new Dictionary<double, double> { [1] = 0.95, [32] = 1.3 }, settings.MinRatios);
        Assert.Equal(new Dictionary<double, double> { [0.5] = 2, [2] = 2 }, Read("--rate", "0.5,2", "--min-ratio", "2").MinRatios);
    }

    [Theory]
    [InlineData("long-prefill", 400, 4096)]
    [InlineData("second-request", 400, 128)]
    [InlineData("shared-prefix", 64, 1024)]
    public void ScenariosHaveLengthsOfTheirOwn(string scenario, int maxTokens, int promptLength)
    {
        var settings = Read("--scenario", scenario);
        Assert.Equal((maxTokens, promptLength), (settings.Plan.MaxTokens, settings.Plan.PromptLength!.Value));
        Assert.Equal(77, Read("--scenario", scenario, "--prompt-length", "77").Plan.PromptLength);
    }

    [Theory]
    [InlineData("--streams", "0")]
    [InlineData("--streams", "1,x")]
    [InlineData("--streams", "1.5")]
    [InlineData("--streams", "8,8")]
    [InlineData("--rate", "0")]
    [InlineData("--rate", "-1")]
    [InlineData("--repetitions", "0")]
    [InlineData("--warmup", "-1")]
    [InlineData("--requests", "0")]
    [InlineData("--requests-per-stream", "0")]
    [InlineData("--max-tokens", "0")]
    [InlineData("--prompt-length", "0")]
    [InlineData("--vocabulary", "100")]
    [InlineData("--temperature", "-0.1")]
    [InlineData("--temperature", "NaN")]
    [InlineData("--timeout", "0")]
    [InlineData("--slo-ttft-ms", "0")]
    [InlineData("--slo-itl-ms", "-3")]
    [InlineData("--cache-prompt", "yes")]
    [InlineData("--adapters", "a,,b")]
    [InlineData("--min-ratio", "fast")]
    [InlineData("--min-ratio", "16=1.2")]
    [InlineData("--min-ratio", "1=2=3")]
    [InlineData("--scenario", "chaos")]
    [InlineData("--baseline", "nobody")]
    [InlineData("--prompt-ids", "1,two")]
    [InlineData("--prompt-ids", "-1")]
    [InlineData("--prompt-text", "")]
    [InlineData("--prompt-file", "/nonexistent/prompt.txt")]
    [InlineData("--prompts", "/nonexistent/prompts.jsonl")]
    [InlineData("--lengths", "long")]
    [InlineData("--max-errors", "-1")]
    [InlineData("--pause-ms", "-1")]
    [InlineData("--max-prompt-tokens", "0")]
    public void WrongValuesAreRefusedByTheNameOfTheirOption(string option, string value)
    {
        var error = Assert.Throws<BenchException>(() => Read(option, value));
        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.StartsWith(option + ": ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--rate", "--rate", "1", "--streams", "2")]
    [InlineData("--prompt-length", "--prompt-length", "5", "--lengths", "sharegpt")]
    [InlineData("--prompt-ids", "--prompt-ids", "5", "--prompt-text", "x")]
    [InlineData("--prompt-ids", "--prompt-ids", "5", "--prompt-length", "7")]
    [InlineData("--prompt-text", "--prompt-text", "x", "--scenario", "shared-prefix")]
    [InlineData("--rate", "--rate", "1", "--scenario", "long-prefill")]
    [InlineData("--streams", "--streams", "1,2", "--scenario", "long-prefill")]
    [InlineData("--lengths", "--lengths", "sharegpt", "--scenario", "long-prefill")]
    [InlineData("--svg", "--svg", "x.svg", "--scenario", "long-prefill")]
    [InlineData("--min-ratio", "--min-ratio", "1", "--scenario", "long-prefill")]
    public void ContradictionsAreRefused(string named, params string[] arguments) =>
        Assert.StartsWith(named, Assert.Throws<BenchException>(() => Read(arguments)).Message, StringComparison.Ordinal);

    private static BenchSettings Read(params string[] arguments)
    {
        var options = new BenchOptions();
        var command = new Command("bench");
        options.AddTo(command);
        var parsed = command.Parse(["--target", "grpc=http://127.0.0.1:1", .. arguments]);
        Assert.Empty(parsed.Errors);
        return new BenchOptionReader(options, parsed).Read("inferencehost bench");
    }
}
