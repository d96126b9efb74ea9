using System.CommandLine;
using Grpc.Core;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>generate</c>: continues a prompt and streams the text.</summary>
internal static class GenerateCommand
{
    public static Command Create(CliContext cli)
    {
        var prompt = new Argument<string?>("prompt")
        {
            Description = "Text to continue; standard input where absent or '-'.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var tokens = new Option<int[]>("--token") { Description = "Token id of the prompt, instead of text (repeatable).", HelpName = "ID", AllowMultipleArgumentsPerToken = true };
        var stats = new Option<bool>("--stats") { Description = "Write tokens and speed to the error stream at the end." };
        var command = new CliCommand(
            "generate",
            "Continues a prompt and streams the text. Special tokens in the prompt are taken literally; 'chat' applies the model's template.",
            "generate \"The capital of France is\" --max-tokens 16 --temperature 0",
            "generate --adapter bank --stop . < prompt.txt",
            "generate --token 1 2 3 --temperature 0 --json",
            "generate \"Once upon a time\" --seed 7 --logprobs 3")
        { prompt, tokens, stats };
        SamplingOptions sampling = SamplingOptions.AddTo(command);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            GenerateRequest request = sampling.Read(parsed);
            int[] ids = parsed.GetValue(tokens) ?? [];
            if (ids.Length > 0 && parsed.GetValue(prompt) is not null)
                throw new CliException(ExitCode.Usage, "Give either a prompt or --token, not both.");
            if (ids.Length > 0)
                request.PromptTokenIds.Add(ids);
            else
                request.Prompt = await PromptInput.ReadAsync(cli, parsed.GetValue(prompt), "the prompt", cancellationToken).ConfigureAwait(false);
            bool json = parsed.GetValue<bool>(CommonOptions.JsonName);
            using AsyncServerStreamingCall<GenerateResponse> call = server.Inference.Generate(request, server.Call(cancellationToken));
            return await ShowAsync(cli, call, request.HasN ? request.N : 1, json, parsed.GetValue(stats) || cli.IsPretty, cancellationToken).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> ShowAsync(
        CliContext cli, AsyncServerStreamingCall<GenerateResponse> call, int samples, bool json, bool stats, CancellationToken cancellationToken)
    {
        // A sample count out of range is refused by the server; the view only has to survive until then.
        var view = new CompletionView(cli, Math.Clamp(samples, 1, 16));
        bool started = false;
        try
        {
            await foreach (GenerateResponse message in call.ResponseStream.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                started = true;
                if (json)
                    cli.WriteJsonPart(message);
                else
                    view.Show(message);
            }
        }
        finally
        {
            if (started && !json)
                view.End();
        }
        if (stats && !json && view is { Usage: { } usage, FinishReason: { } reason })
            cli.Note(CompletionView.Summary(usage, reason));
        return ExitCode.Ok;
    }
}
