using System.CommandLine;
using System.Text.Json;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Files;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.ModelFiles;
using InferenceHost.ModelFiles.Models;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models verify</c>: structure and hash of a file.</summary>
internal static class ModelsVerifyCommand
{
    public static Command Create(CliContext cli)
    {
        var model = new Argument<string>("model") { Description = "Path of a GGUF file, or name of a model." };
        var expected = new Option<string?>("--sha256") { Description = "Hash to compare with; that of the manifest by default.", HelpName = "HEX" };
        expected.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !ContentHash.IsSha256(text))
                result.AddError($"--sha256: '{text}' has not 64 hexadecimal digits.");
        });
        var command = new CliCommand(
            "verify",
            $"Checks the structure of a model file and compares its SHA-256 with the manifest's. Exit code {ExitCode.Failure} where they differ. No server is needed.",
            "models verify models/SmolLM2-135M-Instruct.IQ4_NL.gguf",
            "models verify SmolLM2-135M-Instruct --json",
            "models verify base.gguf --sha256 89f0c60e7b785328eade05744d4e34a2ce581546312be71a5e296908d97f5eee")
        { model, expected };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            (string path, string? manifest) = await FindAsync(server, parsed.GetRequiredValue(model), cancellationToken).ConfigureAwait(false);
            string? wanted = parsed.GetValue(expected)?.ToLowerInvariant() ?? manifest;
            bool json = parsed.GetValue<bool>(CommonOptions.JsonName);
            ModelValidator.Validate(path, vocabularyOnly: true);
            string actual = await ProgressView.RunAsync(cli, json, progress => HashAsync(path, progress, cancellationToken)).ConfigureAwait(false);
            return Report(cli, json, path, actual, wanted);
        });
        return command;
    }

    // A file first; then a model of this checkout; then one whose file the server names and which is readable here.
    private static async Task<(string Path, string? Sha256)> FindAsync(ServerConnection server, string model, CancellationToken cancellationToken)
    {
        if (File.Exists(model))
            return (model, ModelFolder.ManifestOf(model)?.Sha256);
        if (model.Contains('/', StringComparison.Ordinal))
            throw new CliException(ExitCode.NotFound, $"there is no file {model}.");
        if (ModelFolder.Find(model) is { } entry)
            return (entry.ModelPath, entry.Manifest.Sha256);
        DescribeModelResponse served = await server.Models.DescribeAsync(new DescribeModelRequest { Model = model }, server.Call(cancellationToken)).ConfigureAwait(false);
        string path = served.Info.Path;
        if (!File.Exists(path))
            throw new CliException(ExitCode.NotFound, $"{path} lies on the server and cannot be read here.", "Run the command on the server.");
        return (path, served.Info.Sha256.Length > 0 ? served.Info.Sha256 : null);
    }

    private static Task<string> HashAsync(string path, IProgress<(string, double)> progress, CancellationToken cancellationToken)
    {
        double length = Math.Max(1, new FileInfo(path).Length);
        return ContentHash.ComputeAsync(path, new HashProgress(done => progress.Report(("hashing", done / length))), cancellationToken);
    }

    private static int Report(CliContext cli, bool json, string path, string actual, string? wanted)
    {
        bool differs = wanted is not null && wanted != actual;
        if (json)
            cli.Out.WriteLine(JsonSerializer.Serialize(new { path = Path.GetFullPath(path), sha256 = actual, expected_sha256 = wanted, ok = !differs }));
        else if (differs)
            throw new CliException(ExitCode.Failure, $"{path}: SHA-256 is {actual}, expected {wanted}.", "The file was changed or damaged; copy it again.");
        else
            cli.Out.WriteLine($"{path}: sound, SHA-256 {actual}{(wanted is null ? "; no manifest names it, so there is nothing to compare with" : " as expected")}");
        return differs ? ExitCode.Failure : ExitCode.Ok;
    }
}
