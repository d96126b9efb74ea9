using System.CommandLine;
using Grpc.Core;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.ModelFiles;

namespace InferenceHost.Cli.Client;

/// <summary>Runs the body of a command and turns everything that can go wrong into a message and an exit code.</summary>
internal static class ServerCommand
{
    /// <summary>A body that talks to a server.</summary>
    internal delegate Task<int> Body(ServerConnection server, ParseResult parsed, CancellationToken cancellationToken);

    /// <summary>A body that needs none.</summary>
    internal delegate Task<int> LocalBody(ParseResult parsed, CancellationToken cancellationToken);

    /// <summary>Lets <paramref name="command"/> connect and run <paramref name="body"/>. Adds the common options to it.</summary>
    public static void Runs(this Command command, CliContext cli, Body body)
    {
        CommonOptions common = CommonOptions.AddTo(command);
        command.SetAction((parsed, cancellationToken) => GuardAsync(cli, parsed.GetValue(common.Json), cancellationToken, async report =>
        {
            using ServerConnection server = common.Connect(parsed, cli);
            try
            {
                return await body(server, parsed, cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException exception)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return report(CallErrors.Explain(exception, server.Endpoint));
            }
        }));
    }

    /// <summary>Lets <paramref name="command"/> run <paramref name="body"/> in this process alone.</summary>
    public static void RunsLocally(this Command command, CliContext cli, Option<bool> json, LocalBody body) =>
        command.SetAction((parsed, cancellationToken) =>
            GuardAsync(cli, parsed.GetValue(json), cancellationToken, _ => body(parsed, cancellationToken)));

    private static async Task<int> GuardAsync(
        CliContext cli, bool json, CancellationToken cancellationToken, Func<Func<ErrorReport, int>, Task<int>> body)
    {
        int Report(ErrorReport report)
        {
            cli.Out.Flush();
            report.Write(cli, json);
            return report.ExitCode;
        }
        try
        {
            return await body(Report).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Cancelled;
        }
        catch (CliException exception)
        {
            return Report(new ErrorReport
            {
                ExitCode = exception.ExitCode,
                Message = exception.Message,
                NextSteps = exception.NextStep is { } step ? [step] : [],
            });
        }
        catch (ModelFileException exception)
        {
            return Report(ExplainFile(exception));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Report(new ErrorReport { ExitCode = ExitCode.NotFound, Message = exception.Message });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Report(new ErrorReport { ExitCode = ExitCode.Failure, Message = exception.Message });
        }
    }

    /// <summary>A refused file with its field and what was found and allowed there.</summary>
    internal static ErrorReport ExplainFile(ModelFileException exception) => new()
    {
        ExitCode = exception.IsMissing ? ExitCode.NotFound : ExitCode.Failure,
        Message = $"{exception.Path} is refused",
        Fields = [(exception.Field + (exception.Offset is { } offset ? $" at byte {offset}" : ""), $"found {exception.Found}; allowed: {exception.Allowed}")],
        NextSteps = [exception.Remedy],
    };
}
