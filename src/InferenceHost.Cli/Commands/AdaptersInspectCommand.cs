using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>adapters inspect</c>: one adapter of the server, or a file without a server.</summary>
internal static class AdaptersInspectCommand
{
    public static Command Create(CliContext cli)
    {
        var adapter = new Argument<string>("adapter") { Description = "Name of an adapter of the server, or path of a GGUF file or PEFT folder." };
        var model = new Option<string?>("--base") { Description = "Model that a file is checked against; the embedded one by default.", HelpName = "PATH" };
        var command = new CliCommand(
            "inspect",
            "Shows an adapter: generation, rank, what it changes, who uses it. A file is checked against its base model; no server is needed.",
            "adapters inspect bank",
            "adapters inspect models/adapters/bank.gguf --json",
            "adapters inspect ./peft-hospital --base base.gguf")
        { adapter, model };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            string text = parsed.GetRequiredValue(adapter);
            if (IsPath(text))
                return AdaptersCommand.Show(cli, parsed, ReadFile(text, parsed.GetValue(model)));
            var request = new DescribeAdapterRequest { Name = text };
            return AdaptersCommand.Show(cli, parsed, await server.Adapters.DescribeAsync(request, server.Call(cancellationToken)).ConfigureAwait(false));
        });
        return command;
    }

    // No name on a server has a slash; a missing file is not to be looked for there.
    private static bool IsPath(string text) =>
        File.Exists(text) || Directory.Exists(text) || text.Contains('/', StringComparison.Ordinal) || text.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    private static AdapterInfo ReadFile(string path, string? model)
    {
        string? basePath = model ?? ModelFolder.DefaultModel();
        using AdapterImport import = AdapterImport.Open(path);
        return basePath is null
            ? throw new CliException(ExitCode.Usage, "an adapter is checked against its base model, and none is known.", "Name the model's GGUF file with --base PATH.")
            : AdapterDescription.Read(import.ToGguf(basePath), basePath);
    }
}
