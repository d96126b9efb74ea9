using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models unload</c>: takes the model out of service.</summary>
internal static class ModelsUnloadCommand
{
    public static Command Create(CliContext cli)
    {
        var model = new Argument<string?>("model") { Description = "Name; the loaded one by default.", Arity = ArgumentArity.ZeroOrOne };
        var drain = NumberOption.Create<int>("--drain-timeout", "SECONDS", "Seconds running requests may take before they are cancelled, 0 .. 3600; 30 by default.");
        var command = new CliCommand(
            "unload",
            "Takes the model out of service: no new requests, running ones finish, then its memory is freed.",
            "models unload",
            "models unload --drain-timeout 5")
        { model, drain };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var request = new UnloadModelRequest { Model = parsed.GetValue(model) ?? "" };
            if (parsed.GetValue(drain) is { } seconds)
                request.DrainTimeoutSeconds = seconds;
            bool json = parsed.GetValue<bool>(CommonOptions.JsonName);
            UnloadModelResponse response = await ProgressView.RunAsync(cli, quiet: json, async progress =>
            {
                progress.Report(("waiting for running requests", 0));
                return await server.Models.UnloadAsync(request, server.Call(cancellationToken)).ConfigureAwait(false);
            }).ConfigureAwait(false);
            if (json)
                cli.WriteJson(response);
            else
                cli.Out.WriteLine($"unloaded; {response.Finished} requests finished, {response.Cancelled} cancelled");
            return ExitCode.Ok;
        });
        return command;
    }
}
