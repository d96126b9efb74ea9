using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>adapters</c>: one LoRA adapter per tenant, swapped while requests run.</summary>
internal static class AdaptersCommand
{
    public static Command Create(CliContext cli) =>
        new CliCommand(
            "adapters",
            "Manages LoRA adapters. A name points to a generation (the content of a file); running requests keep theirs when a name is pointed elsewhere.",
            "adapters list",
            "adapters add bank models/adapters/bank.gguf",
            "adapters swap bank bank-v2.gguf")
        {
            CreateList(cli),
            AdaptersUploadCommand.CreateAdd(cli),
            AdaptersUploadCommand.CreateSwap(cli),
            AdaptersInspectCommand.Create(cli),
            CreateAssign(cli),
            CreateForName(cli, "load", "Brings an adapter into a slot ahead of its first request.",
                (server, name, options) => server.Adapters.LoadAsync(new LoadAdapterRequest { Name = name }, options).ResponseAsync),
            CreateForName(cli, "unload", "Frees the slot and memory of an adapter when its requests have ended; the name stays.",
                (server, name, options) => server.Adapters.UnloadAsync(new UnloadAdapterRequest { Name = name }, options).ResponseAsync),
            CreateRemove(cli),
        };

    private static CliCommand CreateList(CliContext cli)
    {
        var command = new CliCommand("list", "Lists the adapters of the server.", "adapters list", "adapters list --json");
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            ListAdaptersResponse response = await server.Adapters.ListAsync(new ListAdaptersRequest(), server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(response);
            else
                AdapterView.WriteTable(cli, response.Adapters);
            return ExitCode.Ok;
        });
        return command;
    }

    private static CliCommand CreateAssign(CliContext cli)
    {
        var name = new Argument<string>("name") { Description = "Name to point; made where it does not exist." };
        var target = new Argument<string>("target") { Description = "Generation (SHA-256), or the adapter whose generation is meant." };
        var expect = new Option<string?>("--expect") { Description = "Only if the name points to this generation now; '' = only if it does not exist.", HelpName = "SHA256" };
        var command = new CliCommand(
            "assign",
            "Points a name at a generation that the server has already, e.g. to go back to an earlier one: it stays on disk until its room is needed.",
            "adapters assign bank bank-test",
            "adapters assign bank 3f2a…e1 --expect 90b1…77")
        { name, target, expect };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var request = new AssignAdapterRequest { Name = parsed.GetRequiredValue(name), Target = parsed.GetRequiredValue(target) };
            if (parsed.GetValue(expect) is { } sha256)
                request.ExpectedSha256 = sha256;
            AdapterInfo info = await server.Adapters.AssignAsync(request, server.Call(cancellationToken)).ConfigureAwait(false);
            return Show(cli, parsed, info);
        });
        return command;
    }

    private static CliCommand CreateForName(
        CliContext cli, string verb, string description, Func<ServerConnection, string, Grpc.Core.CallOptions, Task<AdapterInfo>> call)
    {
        var name = new Argument<string>("name") { Description = "Name of the adapter." };
        var command = new CliCommand(verb, description, $"adapters {verb} bank") { name };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
            Show(cli, parsed, await call(server, parsed.GetRequiredValue(name), server.Call(cancellationToken)).ConfigureAwait(false)));
        return command;
    }

    private static CliCommand CreateRemove(CliContext cli)
    {
        var name = new Argument<string>("name") { Description = "Name of the adapter." };
        var command = new CliCommand("remove", "Forgets a name: new requests are refused at once, running ones finish.", "adapters remove bank") { name };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var request = new RemoveAdapterRequest { Name = parsed.GetRequiredValue(name) };
            RemoveAdapterResponse response = await server.Adapters.RemoveAsync(request, server.Call(cancellationToken)).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(response);
            else
                cli.Out.WriteLine($"removed {request.Name}");
            return ExitCode.Ok;
        });
        return command;
    }

    internal static int Show(CliContext cli, ParseResult parsed, AdapterInfo info)
    {
        if (parsed.GetValue<bool>(CommonOptions.JsonName))
            cli.WriteJson(info);
        else
            AdapterView.Write(cli, info);
        return ExitCode.Ok;
    }
}
