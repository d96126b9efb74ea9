using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using InferenceHost.Cli.Bench;
using InferenceHost.Cli.Commands;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;

namespace InferenceHost.Cli;

/// <summary>The command tree and one run of it.</summary>
internal static class CommandLine
{
    // Text of prompts is taken as it is: no response files ("@name"), no bundled short options.
    private static readonly ParserConfiguration Parser = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    public static RootCommand CreateRoot(CliContext cli)
    {
        var root = new RootCommand("InferenceHost: one base model, one LoRA adapter per tenant, all tenants decoded together. Serves gRPC and talks to it.")
        {
            ServeCommand.Create(cli),
            GenerateCommand.Create(cli),
            ChatCommand.Create(cli),
            RenderCommand.Create(cli),
            TokenizeCommand.Create(cli),
            DetokenizeCommand.Create(cli),
            ModelsCommand.Create(cli),
            AdaptersCommand.Create(cli),
            StatusCommand.Create(cli),
            BenchCommand.Create(cli),
        };
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    /// <summary>Parses and runs. Never throws: every failure becomes a message and an <see cref="ExitCode"/>.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliContext cli, CancellationToken cancellationToken = default)
    {
        ParseResult parsed = CreateRoot(cli).Parse(args, Parser);
        var configuration = new InvocationConfiguration
        {
            Output = cli.Out,
            Error = cli.Error,
            EnableDefaultExceptionHandler = false,
            // The first Ctrl-C cancels the call; whoever does not react within this time is ended. Commands that stay, handle signals on their own.
            ProcessTerminationTimeout = parsed.CommandResult.Command is ICommandWithOwnSignals ? null : TimeSpan.FromSeconds(2),
        };
        try
        {
            if (parsed.Action is ParseErrorAction)
                return ReportUsage(parsed, cli, string.Join(Environment.NewLine, parsed.Errors.Select(e => e.Message)));
            if (parsed.Action is not HelpWithExamples && FindMistypedOption(parsed) is { } option)
                return ReportUsage(parsed, cli, $"Unrecognized option '{option}'. Text that starts with '-' is given behind '--'.");
            return await parsed.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // What a command does not expect is a defect of ours; a user gets one line all the same.
            var report = new ErrorReport { ExitCode = ExitCode.Failure, Message = $"{exception.GetType().Name}: {exception.Message}" };
            report.Write(cli, IsJson(parsed));
            return report.ExitCode;
        }
        finally
        {
            FlushQuietly(cli);
        }
    }

    // The parser takes an option it does not know for the text of an argument: a mistyped one would silently become the prompt.
    private static string? FindMistypedOption(ParseResult parsed)
    {
        if (parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash))
            return null;
        return parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .FirstOrDefault(text => text.Length > 1 && text[0] == '-' && (text[1] == '-' || char.IsAsciiLetter(text[1])));
    }

    private static int ReportUsage(ParseResult parsed, CliContext cli, string message)
    {
        var report = new ErrorReport
        {
            ExitCode = ExitCode.Usage,
            Message = message,
            NextSteps = [$"'{Names.FullName(parsed.CommandResult.Command)} --help' shows the options and examples."],
        };
        report.Write(cli, IsJson(parsed));
        return report.ExitCode;
    }

    private static bool IsJson(ParseResult parsed) => parsed.Tokens.Any(t => t.Value == CommonOptions.JsonName);

    // The reader of our output may be gone already (`| head`): nothing is left to tell anyone.
    private static void FlushQuietly(CliContext cli)
    {
        try
        {
            cli.Out.Flush();
            cli.Error.Flush();
        }
        catch (IOException)
        {
            return;
        }
    }
}
