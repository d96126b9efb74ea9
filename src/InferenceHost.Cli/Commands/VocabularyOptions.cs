using System.CommandLine;
using InferenceHost.Cli.Client;
using InferenceHost.Cli.Lines;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Commands;

/// <summary>Which tokenizer, and one text or many lines.</summary>
internal sealed class VocabularyOptions
{
    private readonly Option<string?> _model = new("--model") { Description = "Model of the server; the loaded one by default.", HelpName = "NAME" };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "GGUF file whose vocabulary is used instead of a server.", HelpName = "PATH" };
    private readonly Option<bool> _lines;

    /// <param name="input">What a line of input is, for the help text.</param>
    /// <param name="output">What a line of output is.</param>
    public VocabularyOptions(string input, string output) =>
        _lines = new Option<bool>("--lines") { Description = $"Read {input} a line from standard input, write {output} a line." };

    public void AddTo(Command command)
    {
        command.Add(_model);
        command.Add(_tokenizer);
        command.Add(_lines);
    }

    public bool IsLocal(ParseResult parsed) => parsed.GetValue(_tokenizer) is not null;

    public bool IsLines(ParseResult parsed) => parsed.GetValue(_lines);

    public ITextCodec Open(ServerConnection server, TokenizeRequest template, ParseResult parsed)
    {
        if (parsed.GetValue(_tokenizer) is { } path)
            return VocabularyFile.Open(path);
        if (parsed.GetValue(_model) is { } model)
            template.Model = model;
        return new ServerCodec(server, template);
    }
}
