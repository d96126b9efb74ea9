using System.CommandLine;
using Grpc.Core;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>models load</c>: brings a model into service, with progress.</summary>
internal static class ModelsLoadCommand
{
    public static Command Create(CliContext cli)
    {
        var model = new Argument<string>("model") { Description = "Name in the server's catalogue, or path of a file on the server." };
        var replace = new Option<bool>("--replace") { Description = "Drain and unload the model that is loaded now." };
        var command = new CliCommand(
            "load",
            "Verifies and loads a model; ends when it serves.",
            "models load SmolLM2-135M-Instruct",
            "models load /srv/models/base.gguf --replace")
        { model, replace };
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            LoadModelRequest request = CreateRequest(parsed.GetRequiredValue(model));
            request.Replace = parsed.GetValue(replace);
            bool json = parsed.GetValue<bool>(CommonOptions.JsonName);
            DescribeModelResponse? loaded = await ProgressView.RunAsync(
                cli, quiet: json, progress => LoadAsync(cli, server, request, json, progress, cancellationToken)).ConfigureAwait(false);
            if (loaded is not null && !json)
                ModelView.Write(cli, loaded);
            return ExitCode.Ok;
        });
        return command;
    }

    // A name has no folder and no extension; everything else is a file, absolute where it lies on this machine.
    private static LoadModelRequest CreateRequest(string model)
    {
        bool isPath = model.Contains('/', StringComparison.Ordinal) || model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        if (!isPath)
            return new LoadModelRequest { Model = model };
        return new LoadModelRequest { Path = File.Exists(model) ? Path.GetFullPath(model) : model };
    }

    private static async Task<DescribeModelResponse?> LoadAsync(
        CliContext cli, ServerConnection server, LoadModelRequest request, bool json, IProgress<(string, double)> progress, CancellationToken cancellationToken)
    {
        DescribeModelResponse? loaded = null;
        using AsyncServerStreamingCall<LoadModelResponse> call = server.Models.Load(request, server.Call(cancellationToken));
        await foreach (LoadModelResponse message in call.ResponseStream.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            if (json)
                cli.WriteJsonPart(message);
            else
                progress.Report((Describe(message.Stage), message.Fraction));
            loaded = message.Model ?? loaded;
        }
        return loaded;
    }

    private static string Describe(LoadStage stage) => stage switch
    {
        LoadStage.Draining => "waiting for running requests",
        LoadStage.Verifying => "verifying the file",
        LoadStage.Loading => "loading the weights",
        LoadStage.WarmingUp => "warming up",
        LoadStage.Ready => "ready",
        _ => "working",
    };
}
