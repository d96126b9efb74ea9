using System.CommandLine;
using InferenceHost.Cli.Parsing;
using InferenceHost.Cli.Tests.Fakes;

namespace InferenceHost.Cli.Tests.Parsing;

public sealed class CommandTreeTests
{
    [Fact]
    public void EveryCommandHasExamplesThatItsOwnParserAccepts()
    {
        RootCommand root = CommandLine.CreateRoot(CliContext.FromConsole());
        foreach (Command command in Leaves(root))
        {
            string[] examples = [.. Assert.IsAssignableFrom<CliCommand>(command).Examples];
            Assert.NotEmpty(examples);
            foreach (string example in examples)
            {
                // Redirections and pipes belong to the shell.
                string own = example.Split(" < ")[0].Split(" | ")[0];
                ParseResult parsed = root.Parse(own);
                Assert.True(parsed.Errors.Count == 0, $"{example}: {string.Join("; ", parsed.Errors.Select(e => e.Message))}");
            }
        }
    }

    // The output of serve is one line by contract.
    [Fact]
    public void EveryCommandButServeWritesJsonOnRequest() =>
        Assert.All(Leaves(CommandLine.CreateRoot(CliContext.FromConsole())).Where(command => command.Name != "serve"),
            command => Assert.Contains(command.Options, option => option.Name == "--json"));

    [Fact]
    public void EveryOptionAndArgumentIsDescribed() =>
        Assert.All(Leaves(CommandLine.CreateRoot(CliContext.FromConsole())), command =>
            Assert.All(command.Options.Cast<Symbol>().Concat(command.Arguments), symbol => Assert.False(string.IsNullOrWhiteSpace(symbol.Description), $"{command.Name} {symbol.Name}")));

    [Fact]
    public async Task HelpEndsInExamplesAndExitCodes()
    {
        CliRun run = await CliRun.RunAsync(null, "generate", "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Examples:\n  inferencehost generate ", run.Out, StringComparison.Ordinal);
        Assert.Contains("  130 cancelled with Ctrl-C", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--top-k: 'x' is no whole number", "generate", "p", "--top-k", "x")]
    [InlineData("--temperature: 'warm' is no number", "generate", "p", "--temperature", "warm")]
    [InlineData("--logit-bias: 'x' is not ID=X", "generate", "p", "--logit-bias", "x")]
    [InlineData("--timeout: -1 is not in the range", "status", "--timeout", "-1")]
    [InlineData("Unrecognized option '--ignore-eoss'", "generate", "--ignore-eoss")]
    [InlineData("Unrecognized command or argument 'x'", "generate", "--nonsense", "x")]
    [InlineData("'models load'", "models", "load")]
    [InlineData("no server address", "status", "--endpoint", "ftp://x")]
    public async Task UsageErrorsNameTheOptionAndHaveExitCode2(string expected, params string[] args)
    {
        CliRun run = await CliRun.RunAsync(null, args);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(expected.Trim('\''), run.Error.Replace("inferencehost ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PromptsThatLookLikeFilesOrDirectivesAreTakenLiterally()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        await server.RunAsync("generate", "@prompt.txt");
        Assert.Equal("@prompt.txt", server.Script.Last<Protocol.V1.GenerateRequest>().Prompt);
        await server.RunAsync("generate", "--", "--help");
        Assert.Equal("--help", server.Script.Last<Protocol.V1.GenerateRequest>().Prompt);
    }

    private static IEnumerable<Command> Leaves(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);
}
