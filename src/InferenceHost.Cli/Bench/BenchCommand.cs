using System.CommandLine;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using Spectre.Console;

namespace InferenceHost.Cli.Bench;

/// <summary><c>inferencehost bench</c>: a load driver for this server and for those it is compared with.</summary>
internal static class BenchCommand
{
    // Wide enough for the widest table: a pipe or a file has no edge to wrap at.
    private const int RedirectedWidth = 220;

    private const string Description = """
        Drives one or more running servers with load and reports throughput, time to first token, inter-token latency and goodput.
        Several targets take turns round by round, in reverse order every other round, so that their ratio is fair on a machine whose speed drifts.
        Exit code 1 where more requests failed than --max-errors allows, 8 where a --min-ratio or, with --strict, a limit of a scenario was missed.
        """;

    private static readonly string[] Examples =
    [
        "bench --target grpc=http://127.0.0.1:50051 --streams 1,8,16,32 --ignore-eos",
        "bench --target grpc=http://127.0.0.1:50051 --target llama=http://127.0.0.1:8080 --streams 8 --adapters bank,hospital --ignore-eos --json result.json --markdown result.md --svg result.svg",
        "bench --target grpc=http://127.0.0.1:50051 --rate 0.5,1,2 --requests 64 --lengths sharegpt --prompts questions.jsonl --slo-ttft-ms 500 --slo-itl-ms 60",
        "bench --target grpc=http://127.0.0.1:50051,name=adapters --target grpc=http://127.0.0.1:50051,name=base,adapters=off --baseline base --streams 8 --adapters bank,hospital",
        "bench --target grpc=http://127.0.0.1:50051 --scenario long-prefill --streams 8",
    ];

    /// <summary>The command on the console of this process.</summary>
    public static Command Create() => Create(CliContext.FromConsole());

    /// <summary>The command, ready to be added to a root command.</summary>
    public static Command Create(CliContext cli)
    {
        var options = new BenchOptions();
        var command = new CliCommand("bench", Description, Examples);
        options.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(cli, options, parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliContext cli, BenchOptions options, ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            var commandLine = Names.Executable + " " + string.Join(' ', parsed.Tokens.Select(token => Quote(token.Value)));
            var settings = new BenchOptionReader(options, parsed).Read(commandLine);
            return await new BenchSession(settings, ResultConsole(cli), cli.Note, TimeProvider.System).RunAsync(cancellationToken);
        }
        catch (BenchException e)
        {
            new ErrorReport { ExitCode = e.ExitCode, Message = e.Message }.Write(cli, asJson: false);
            return e.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            cli.Note("cancelled");
            return ExitCode.Cancelled;
        }
    }

    private static IAnsiConsole ResultConsole(CliContext cli)
    {
        if (cli.IsPretty) return cli.Ansi;
        var plain = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(cli.Out),
        });
        plain.Profile.Width = RedirectedWidth;
        return plain;
    }

    private static string Quote(string token) =>
        token.Length > 0 && token.All(c => char.IsAsciiLetterOrDigit(c) || "-_=:/.,+@%".Contains(c, StringComparison.Ordinal))
            ? token
            : $"'{token.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
