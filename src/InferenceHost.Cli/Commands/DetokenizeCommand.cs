using System.CommandLine;
using System.Globalization;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Lines;
using InferenceHost.Cli.Output;
using InferenceHost.Cli.Parsing;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary><c>detokenize</c>: the text of token ids, by the server's model or by a vocabulary file.</summary>
internal static class DetokenizeCommand
{
    private static readonly char[] Separators = [' ', ',', '\t', '\r', '\n', '[', ']'];

    public static Command Create(CliContext cli)
    {
        var ids = new Argument<int[]>("ids") { Description = "Token ids; standard input where absent.", Arity = ArgumentArity.ZeroOrMore };
        var vocabulary = new VocabularyOptions("a JSON array of ids", "a JSON string");
        var command = new CliCommand(
            "detokenize",
            "Writes the text of token ids, byte for byte what 'generate' would stream for them.",
            "detokenize 19556 905",
            "tokenize \"Hello\" | inferencehost detokenize",
            "detokenize --tokenizer models/SmolLM2-135M-Instruct.IQ4_NL.gguf --lines < ids.jsonl")
        { ids };
        vocabulary.AddTo(command);
        command.Runs(cli, async (server, parsed, cancellationToken) =>
        {
            await using ITextCodec codec = vocabulary.Open(server, new TokenizeRequest(), parsed);
            if (vocabulary.IsLines(parsed))
                return await JsonLines.TransformAsync(cli, (line, token) => TokenLine.DecodeAsync(codec, line, token), cancellationToken).ConfigureAwait(false);
            int[] given = parsed.GetValue(ids) ?? [];
            if (given.Length == 0)
                given = ParseIds(await PromptInput.ReadAsync(cli, null, "the list of token ids", cancellationToken).ConfigureAwait(false));
            string text = await codec.DecodeAsync(given, cancellationToken).ConfigureAwait(false);
            if (parsed.GetValue<bool>(CommonOptions.JsonName))
                cli.WriteJson(new DetokenizeResponse { Text = text });
            else
                cli.Out.WriteLine(cli.IsPretty ? TerminalText.Sanitize(text) : text);
            return ExitCode.Ok;
        });
        return command;
    }

    private static int[] ParseIds(string text)
    {
        string[] words = text.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        var ids = new int[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (!int.TryParse(words[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out ids[i]))
                throw new CliException(ExitCode.Usage, $"ids: entry {i}, '{words[i]}', is no token id.");
        }
        return ids;
    }
}
