using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models list</c>.</summary>
internal static class ModelsListCommand
{
    public static Command Create(CliContext cli)
    {
        var command = new CliCommand("list", "Lists the models the server knows.", "models list", "models list --json");
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            ListModelsResponse response = await server.Models.ListAsync(new ListModelsRequest(), server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
            {
                cli.WriteJson(response);
                return ExitCode.Ok;
            }
            var table = new TableView("name", "loaded", "architecture", "weights", "context", "size", "licence", "path");
            foreach (ModelInfo model in response.Models)
            {
                table.Add(model.Name, model.Loaded ? "yes" : "", model.Architecture, model.Quantization, Quantities.Count(model.ContextTokens),
                    Quantities.Bytes(model.FileBytes), model.License, model.Path);
            }
            table.Write(cli);
            return ExitCode.Ok;
        });
        return command;
    }
}
