using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Cli.Uploads;
using InferenceHost.ModelFiles;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>adapters add</c> and <c>adapters swap</c>: upload a file and point a name at it, as a new name or by compare-and-swap.</summary>
internal static class AdaptersUploadCommand
{
    public static Command CreateAdd(CliContext cli)
    {
        var replace = new Option<bool>("--replace") { Description = "Replace whatever the name points to now." };
        var command = new CliCommand(
            "add",
            "Uploads an adapter under a new name. It is checked against the loaded model first; an adapter that would change nothing is refused.",
            "adapters add bank models/adapters/bank.gguf",
            "adapters add cityhall ./peft-cityhall")
        { replace };
        Upload(command, cli, async (header, server, parsed, cancellationToken) =>
        {
            // Absent means "whatever is there", empty means "nothing must be there".
            if (!parsed.GetValue(replace))
                header.ExpectedSha256 = "";
            await Task.CompletedTask.ConfigureAwait(false);
        });
        return command;
    }

    public static Command CreateSwap(CliContext cli)
    {
        var expect = new Option<string?>("--expect") { Description = "Generation that the name must point to; the present one by default.", HelpName = "SHA256" };
        var command = new CliCommand(
            "swap",
            "Replaces an adapter while requests run: they finish on the old generation, new ones use the new. Fails where somebody else was faster.",
            "adapters swap bank bank-v2.gguf",
            "adapters swap bank bank-v2.gguf --expect 90b1…77 --json")
        { expect };
        Upload(command, cli, async (header, server, parsed, cancellationToken) =>
        {
            header.ExpectedSha256 = parsed.GetValue(expect)
                ?? (await server.Adapters.DescribeAsync(new DescribeAdapterRequest { Name = header.Name }, server.Call(cancellationToken)).ConfigureAwait(false)).Sha256;
        });
        return command;
    }

    private static void Upload(CliCommand command, CliContext cli, Func<PutAdapterHeader, ServerConnection, ParseResult, CancellationToken, Task> condition)
    {
        var name = new Argument<string>("name") { Description = "1 .. 128 characters of letters, digits, '.', '_', '-'." };
        var path = new Argument<string>("path") { Description = "GGUF LoRA file, or a PEFT folder (adapter_config.json and safetensors)." };
        var model = new Option<string?>("--base") { Description = "Base model for a PEFT folder; the server's where its file can be read here.", HelpName = "PATH" };
        command.Add(name);
        command.Add(path);
        command.Add(model);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            var header = new PutAdapterHeader { Name = parsed.GetRequiredValue(name) };
            using AdapterImport source = AdapterImport.Open(parsed.GetRequiredValue(path));
            await condition(header, server, parsed, cancellationToken).ConfigureAwait(false);
            string? basePath = parsed.GetValue(model) ?? (source.NeedsModel ? await FindModelAsync(server, cancellationToken).ConfigureAwait(false) : null);
            AdapterInfo info = await ProgressView.RunAsync(cli, parsed.GetValue<bool>(CommonOptions.JsonName), async progress =>
            {
                progress.Report((source.NeedsModel ? "converting" : "reading", 0));
                string gguf = source.ToGguf(basePath);
                header.FileBytes = new FileInfo(gguf).Length;
                header.Sha256 = await ContentHash.ComputeAsync(gguf, cancel: cancellationToken).ConfigureAwait(false);
                return await AdapterUpload.SendAsync(server, header, gguf, progress, cancellationToken).ConfigureAwait(false);
            }).ConfigureAwait(false);
            int code = AdaptersCommand.Show(cli, parsed, info);
            if (header.ExpectedSha256.Length > 0 && header.ExpectedSha256 != info.Sha256)
                cli.Note($"to go back: adapters assign {info.Name} {header.ExpectedSha256}");
            return code;
        });
    }

    // The file of the loaded model, where the server runs on this machine.
    private static async Task<string?> FindModelAsync(ServerConnection server, CancellationToken cancellationToken)
    {
        DescribeModelResponse loaded = await server.Models.DescribeAsync(new DescribeModelRequest(), server.Call(cancellationToken)).ConfigureAwait(false);
        return File.Exists(loaded.Info?.Path) ? loaded.Info.Path : null;
    }
}
