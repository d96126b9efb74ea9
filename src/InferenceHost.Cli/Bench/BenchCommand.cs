using System.CommandLine;
using Spectre.Console;

namespace InferenceHost.Cli.Bench;

/// <summary><c>inferencehost bench</c>: a load driver for this server and for those it is compared with.</summary>
internal static class BenchCommand
{
    private const string Description = """
        Drive one or more running servers with load and report throughput, time to first token, inter-token latency and goodput.
        Several targets take turns round by round on the same requests, so that their ratio is fair on a machine whose speed drifts.

        Examples:
          inferencehost bench --target grpc=http://127.0.0.1:50051 --streams 1,8,16,32 --ignore-eos
          inferencehost bench --target grpc=http://127.0.0.1:50051 --target llama=http://127.0.0.1:8080 --streams 8 \
            --adapters bank,hospital,cityhall,factory --ignore-eos --json result.json --markdown result.md --svg result.svg
          inferencehost bench --target grpc=http://127.0.0.1:50051 --rate 0.5,1,2 --requests 64 --lengths sharegpt --prompts questions.jsonl \
            --slo-ttft-ms 500 --slo-itl-ms 60
          inferencehost bench --target grpc=http://127.0.0.1:50051,name=adapters --target grpc=http://127.0.0.1:50051,name=base,adapters=off \
            --baseline base --streams 8 --adapters bank,hospital --ignore-eos
          inferencehost bench --target grpc=http://127.0.0.1:50051 --scenario long-prefill --streams 8

        Exit codes: 0 success, 1 requests failed, 2 wrong option, 3 target unusable, 4 a --min-ratio was missed.
        """;

    /// <summary>The command, ready to be added to a root command.</summary>
    public static Command Create() => Create(AnsiConsole.Console, Console.Error, TimeProvider.System);

    /// <summary>The command with its outputs and clock given.</summary>
    /// <param name="console">Takes progress and tables.</param>
    /// <param name="error">Takes the one line that says what is wrong.</param>
    /// <param name="time">Clock of the report and of the pauses.</param>
    internal static Command Create(IAnsiConsole console, TextWriter error, TimeProvider time)
    {
        var options = new BenchOptions();
        var command = new Command("bench", Description);
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var commandLine = "inferencehost " + string.Join(' ', parsed.Tokens.Select(token => Quote(token.Value)));
                var settings = new BenchOptionReader(options, parsed).Read(commandLine);
                return await new BenchSession(settings, console, time).RunAsync(cancellationToken);
            }
            catch (BenchException e)
            {
                await error.WriteLineAsync($"bench: {e.Message}");
                return e.ExitCode;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await error.WriteLineAsync("bench: cancelled");
                return BenchExitCode.Cancelled;
            }
        });
        return command;
    }

    private static string Quote(string token) =>
        token.Length > 0 && token.All(c => char.IsAsciiLetterOrDigit(c) || "-_=:/.,+@%".Contains(c, StringComparison.Ordinal)) ? token : $"'{token.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
