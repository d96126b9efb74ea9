using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.ModelFiles;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Cli.Commands;

/// <summary><c>serve</c>: the server itself, in this process; the engine runs in one of its own.</summary>
internal static class ServeCommand
{
    public static Command Create(CliContext cli)
    {
        var options = new ServeOptions();
        var command = new LongRunningCommand(
            "serve",
            "Serves a model over gRPC until SIGTERM or Ctrl-C, then lets running streams finish. "
            + "One line on standard output says 'ready' and the endpoint once requests can be served.",
            "serve",
            "serve --listen http://0.0.0.0:50051 --listen-http http://127.0.0.1:8080",
            "serve --model models/base.gguf --adapter bank=bank.gguf --adapter hospital=./peft-hospital --parallel 16",
            "serve --listen http://127.0.0.1:0 --device cpu --threads 4");
        options.AddTo(command);
        command.SetAction((parsed, cancellationToken) => RunAsync(cli, options, parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliContext cli, ServeOptions options, ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            using var adapters = new ImportedAdapters(options.ModelPath(parsed));
            ServerOptions settings = options.Read(parsed, adapters);
            if (cli.IsErrorPretty)
                cli.Note($"loading {settings.Model ?? "the default model"} …");
            return await ServerHost.RunAsync(settings, cli.Out, cancellationToken).ConfigureAwait(false);
        }
        catch (StartupException exception)
        {
            return Report(cli, new ErrorReport { ExitCode = ToExitCode(exception), Message = exception.Message, NextSteps = [exception.Remedy] });
        }
        catch (ModelFileException exception)
        {
            return Report(cli, ServerCommand.ExplainFile(exception));
        }
        catch (CliException exception)
        {
            return Report(cli, new ErrorReport { ExitCode = exception.ExitCode, Message = exception.Message, NextSteps = exception.NextStep is { } step ? [step] : [] });
        }
    }

    private static int Report(CliContext cli, ErrorReport report)
    {
        report.Write(cli, asJson: false);
        return report.ExitCode;
    }

    // The server's own numbers say which stage failed; ours are the table of the help text.
    private static int ToExitCode(StartupException exception) => exception.ExitCode switch
    {
        StartupException.UsageExitCode => ExitCode.Usage,
        StartupException.ModelExitCode when IsMissing(exception) => ExitCode.NotFound,
        StartupException.ListenExitCode => ExitCode.Conflict,
        _ => ExitCode.Failure,
    };

    // Of a file that is there, the error behind it says what is wrong with it.
    private static bool IsMissing(StartupException exception) =>
        exception.InnerException is null or FileNotFoundException or DirectoryNotFoundException or ModelFileException { IsMissing: true };
}
