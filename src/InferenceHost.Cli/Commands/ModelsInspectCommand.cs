using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models inspect</c>: everything known about one model of the server, or about a file without a server.</summary>
internal static class ModelsInspectCommand
{
    public static Command Create(CliContext cli)
    {
        var model = new Argument<string?>("model") { Description = "Name of a model of the server (the loaded one by default), or path of a GGUF file.", Arity = ArgumentArity.ZeroOrOne };
        var command = new CliCommand(
            "inspect",
            "Shows a model: architecture, size, tokenizer, chat template, licence, how it is served. A file needs no server.",
            "models inspect",
            "models inspect SmolLM2-135M-Instruct --json",
            "models inspect models/SmolLM2-135M-Instruct.IQ4_NL.gguf")
        { model };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            string name = parsed.GetValue(model) ?? "";
            DescribeModelResponse response = File.Exists(name)
                ? ModelDescription.Read(name)
                : await server.Models.DescribeAsync(new DescribeModelRequest { Model = name }, server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(response);
            else
                ModelView.Write(cli, response);
            return ExitCode.Ok;
        });
        return command;
    }
}
