using Grpc.Core;
using InferenceHost.Cli.Tests.Fakes;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Commands;

public sealed class ChatCommandTests
{
    [Fact]
    public async Task PipedLinesAreTurnsOfOneConversation()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunWithInputAsync("first\n\nsecond\n", "chat", "--system", "Be brief.", "--temperature", "0");
        Assert.Equal((0, "Hello world\nHello world\n"), (run.ExitCode, run.Out));
        ChatRequest last = server.Script.Last<ChatRequest>();
        Assert.Equal(["system:Be brief.", "user:first", "assistant:Hello world", "user:second"], last.Messages.Select(m => $"{m.Role}:{m.Content}"));
        Assert.True(last is { HasTemperature: true, Temperature: 0 });
    }

    [Fact]
    public async Task CommandsChangeTheConversation()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        server.Script.Adapters.Add(new AdapterInfo { Name = "bank", Sha256 = "ab" });
        CliRun run = await server.RunWithInputAsync("a\n/reset\n/system Rhyme.\n/adapter bank\n//etc\n/quit\nnever\n", "chat");
        ChatRequest last = server.Script.Last<ChatRequest>();
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("bank", last.Adapter);
        Assert.Equal(["system:Rhyme.", "user:/etc"], last.Messages.Select(m => $"{m.Role}:{m.Content}"));
    }

    [Fact]
    public async Task UnknownAdapterKeepsThePresentOne()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunWithInputAsync("/adapter nobody\nhi\n", "chat", "--adapter", "bank");
        Assert.Contains("there is no adapter 'nobody'", run.Error, StringComparison.Ordinal);
        Assert.Equal("bank", server.Script.Last<ChatRequest>().Adapter);
    }

    [Fact]
    public async Task FailedQuestionEndsAPipeWithItsExitCode()
    {
        await using FakeServer server = await FakeServer.StartAsync(new Script { Failure = new RpcException(new Status(StatusCode.Unavailable, "restarting")) });
        CliRun run = await server.RunWithInputAsync("a\nb\n", "chat");
        Assert.Equal(3, run.ExitCode);
        Assert.Single(server.Script.Requests);
    }

    [Fact]
    public async Task StatsAddUp()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunWithInputAsync("a\nb\n/stats\n", "chat");
        Assert.Contains("2 answers: 8 prompt tokens (0 cached), 6 generated at 150.0 tok/s", run.Error, StringComparison.Ordinal);
        Assert.Contains("server: serving, 3 running, 1 waiting", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneQuestionEndsByItself()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        CliRun run = await server.RunAsync("chat", "When?", "--adapter", "bank", "--var", "enable_thinking=false", "--var", "name=Ada");
        ChatRequest request = server.Script.Last<ChatRequest>();
        Assert.Equal((0, "Hello world\n"), (run.ExitCode, run.Out));
        Assert.Equal("bank", request.Adapter);
        Assert.False(request.TemplateVariables.Fields["enable_thinking"].BoolValue);
        Assert.Equal("Ada", request.TemplateVariables.Fields["name"].StringValue);
    }

    [Fact]
    public async Task MessagesOfAFileComeFirst()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """[{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]""");
            await using FakeServer server = await FakeServer.StartAsync();
            await server.RunAsync("chat", "And 2+2?", "--messages", file);
            Assert.Equal(["user:1+1?", "assistant:2", "user:And 2+2?"], server.Script.Last<ChatRequest>().Messages.Select(m => $"{m.Role}:{m.Content}"));
            await File.WriteAllTextAsync(file, """[{"rolle": "user"}]""");
            CliRun wrong = await server.RunAsync("chat", "x", "--messages", file);
            Assert.Equal(2, wrong.ExitCode);
            Assert.Contains("rolle", wrong.Error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task BackslashContinuesALine()
    {
        await using FakeServer server = await FakeServer.StartAsync();
        await server.RunWithInputAsync("one\\\ntwo\n", "chat");
        Assert.Equal("one\ntwo", server.Script.Last<ChatRequest>().Messages.Single().Content);
    }
}
