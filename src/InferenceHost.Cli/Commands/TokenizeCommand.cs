using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Lines;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>tokenize</c>: token ids of a text, by the server's model or by a vocabulary file.</summary>
internal static class TokenizeCommand
{
    public static Command Create(CliContext cli)
    {
        var text = new Argument<string?>("text") { Description = "Text; standard input where absent or '-'.", Arity = ArgumentArity.ZeroOrOne };
        var bos = new Option<bool>("--bos") { Description = "Add the model's BOS as for a prompt (server only)." };
        var special = new Option<bool>("--special") { Description = "Let special tokens in the text become control tokens (server only)." };
        var vocabulary = new VocabularyOptions("a JSON string", "a JSON array of ids");
        var command = new CliCommand(
            "tokenize",
            "Writes the token ids of a text: no BOS, special tokens in the text are not parsed, unless asked for.",
            "tokenize \"Hello world\"",
            "tokenize \"<|im_start|>user\" --special --bos --json",
            "tokenize --tokenizer models/SmolLM2-135M-Instruct.IQ4_NL.gguf --lines < strings.jsonl")
        { text, bos, special };
        vocabulary.AddTo(command);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            bool isSpecial = parsed.GetValue(special) || parsed.GetValue(bos);
            if (isSpecial && vocabulary.IsLocal(parsed))
                throw new CliException(ExitCode.Usage, "--bos and --special need the server's model: leave --tokenizer away.");
            var template = new TokenizeRequest { AddSpecial = parsed.GetValue(bos), ParseSpecial = parsed.GetValue(special) };
            await using ITextCodec codec = vocabulary.Open(server, template, parsed);
            if (vocabulary.IsLines(parsed))
                return await JsonLines.TransformAsync(cli, (line, token) => TokenLine.EncodeAsync(codec, line, token), cancellationToken).ConfigureAwait(false);
            string input = await PromptInput.ReadAsync(cli, parsed.GetValue(text), "the text", cancellationToken).ConfigureAwait(false);
            IReadOnlyList<int> ids = await codec.EncodeAsync(input, cancellationToken).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(new TokenizeResponse { TokenIds = { ids } });
            else
                cli.Out.WriteLine(string.Join(' ', ids));
            return ExitCode.Ok;
        });
        return command;
    }
}
