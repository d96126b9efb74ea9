using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>adapters inspect</c>: one adapter of the server.</summary>
internal static class AdaptersInspectCommand
{
    public static Command Create(CliContext cli)
    {
        var name = new Argument<string>("name") { Description = "Name of an adapter of the server." };
        var command = new CliCommand("inspect", "Shows an adapter: generation, rank, what it changes, who uses it.", "adapters inspect bank", "adapters inspect bank --json") { name };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var request = new DescribeAdapterRequest { Name = parsed.GetRequiredValue(name) };
            return AdaptersCommand.Show(cli, parsed, await server.Adapters.DescribeAsync(request, server.Call(cancellationToken)).ConfigureAwait(false));
        });
        return command;
    }
}
