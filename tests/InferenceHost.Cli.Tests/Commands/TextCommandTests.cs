using InferenceHost.Cli.Tests.Fakes;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Commands;

public sealed class TextCommandTests
{
    [Fact]
    public async Task TokenizeTakesTextLiterallyUnlessAsked()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        Assert.Equal("72 105\n", (await server.RunAsync("tokenize", "Hi")).Out);
        Assert.True(server.Script.Last<TokenizeRequest>() is { HasAddSpecial: true, AddSpecial: false, ParseSpecial: false });
        await server.RunAsync("tokenize", "Hi", "--bos", "--special");
        Assert.True(server.Script.Last<TokenizeRequest>() is { AddSpecial: true, ParseSpecial: true });
    }

    [Fact]
    public async Task LinesAreAnsweredOneByOneAndErrorsStayInLine()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunWithInputAsync("\"Hi\"\n17\n\"\\u65e5\"\n", "tokenize", "--lines");
        Assert.Equal("[72,105]", run.OutLines[0]);
        Assert.StartsWith("{\"error\":\"the line is not a JSON string", run.OutLines[1], StringComparison.Ordinal);
        Assert.Equal("[26085]", run.OutLines[2]);
    }

    [Fact]
    public async Task DetokenizeLinesIsTheReverse()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunWithInputAsync("[72,105]\n[-1]\n[26085,34]\n[]\n", "detokenize", "--lines");
        Assert.Equal(["\"Hi\"", "{\"error\":\"token_ids[0] is -1, allowed are 0 .. 65535\"}", "\"日\\\"\"", "\"\""], run.OutLines);
    }

    [Fact]
    public async Task DetokenizeReadsWhatTokenizeWrites()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        Assert.Equal("Hi\n", (await server.RunWithInputAsync("72 105\n", "detokenize")).Out);
        Assert.Equal("Hi\n", (await server.RunWithInputAsync("[72, 105]", "detokenize")).Out);
        Assert.Equal("Hi\n", (await server.RunAsync("detokenize", "72", "105")).Out);
        Assert.Equal(2, (await server.RunWithInputAsync("72 x", "detokenize")).ExitCode);
    }

    [Fact]
    public async Task RenderedTextIsPlainInAPipe()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("render", "Hi", "--system", "S", "--tokens");
        Assert.Equal("<user>Hi\u001b[2J\n1 2 3\n", run.Out);
        Assert.Equal(["system:S", "user:Hi"], server.Script.Last<RenderRequest>().Messages.Select(m => $"{m.Role}:{m.Content}"));
    }

    [Fact]
    public async Task ProvenanceIsInColourOnATerminal()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await CliRun.RunOnTerminalAsync(server.Endpoint, "render", "Hi");
        Assert.Contains("\u001b[38;5;11m<user>\u001b[0m\u001b[38;5;2mHi\u241b[2J\u001b[0m", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingVocabularyFileIsNotFound()
    {
        CliRun run = await CliRun.RunAsync(null, "tokenize", "x", "--tokenizer", "/nowhere/x.gguf");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("/nowhere/x.gguf", run.Error, StringComparison.Ordinal);
    }
}
