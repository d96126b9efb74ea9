using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models inspect</c>: everything known about one model.</summary>
internal static class ModelsInspectCommand
{
    public static Command Create(CliContext cli)
    {
        var model = new Argument<string?>("model") { Description = "Name; the loaded one by default.", Arity = ArgumentArity.ZeroOrOne };
        var command = new CliCommand("inspect", "Shows a model: architecture, size, tokenizer, chat template, licence, how it is served.", "models inspect", "models inspect SmolLM2-135M-Instruct --json") { model };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var request = new DescribeModelRequest { Model = parsed.GetValue(model) ?? "" };
            DescribeModelResponse response = await server.Models.DescribeAsync(request, server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(response);
            else
                ModelView.Write(cli, response);
            return ExitCode.Ok;
        });
        return command;
    }
}
