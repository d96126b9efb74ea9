using InferenceHost.Cli.Client;
using InferenceHost.Cli.Conversation;
using InferenceHost.Cli.Output;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Tests.Output;

public sealed class TextFormattingTests
{
    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("\u001b]0;owned\u0007", "\u241b]0;owned\u2407")]
    [InlineData("a\rb\u007f\u009b2J", "a\u240db\u2421\ufffd2J")]
    public void ControlCharactersBecomePictures(string text, string expected) => Assert.Equal(expected, TerminalText.Sanitize(text));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(92L << 20, "92.0 MiB")]
    public void BytesHaveBinaryUnits(long bytes, string expected) => Assert.Equal(expected, Quantities.Bytes(bytes));

    [Theory]
    [InlineData(0.25, "250 ms")]
    [InlineData(2.5, "2.5 s")]
    [InlineData(125, "2 min 5 s")]
    [InlineData(7260, "2 h 1 min")]
    [InlineData(180_000, "2 d 2 h")]
    public void DurationsHaveTwoUnitsAtMost(double seconds, string expected) => Assert.Equal(expected, Quantities.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("/adapter  bank ", true, "adapter", "bank")]
    [InlineData("/HELP", true, "help", "")]
    [InlineData("//path", false, null, "")]
    [InlineData("a /help", false, null, "")]
    public void SlashCommandsAreToldFromMessages(string line, bool isCommand, string? name, string argument)
    {
        Assert.Equal(isCommand, SlashCommand.TryParse(line, out SlashCommand command, out string message));
        if (isCommand)
            Assert.Equal(new SlashCommand(name!, argument), command);
        else
            Assert.Equal(line.Replace("//", "/", StringComparison.Ordinal), message);
    }

    [Theory]
    [InlineData("127.0.0.1:50051", "http://127.0.0.1:50051")]
    [InlineData("https://host", "https://host")]
    [InlineData("http://[::1]:5/", "http://[::1]:5")]
    [InlineData("unix:/run/x.sock", "unix:/run/x.sock")]
    [InlineData("unix:///run/x.sock", "unix:/run/x.sock")]
    public void EndpointsMayLeaveTheSchemeAway(string text, string expected) => Assert.Equal(expected, EndpointAddress.Parse(text).ToString());

    [Fact]
    public void ChatTakesEverySamplingFieldOver()
    {
        var shared = new HashSet<string>(ChatRequest.Descriptor.Fields.InDeclarationOrder().Select(f => f.Name));
        shared.IntersectWith(GenerateRequest.Descriptor.Fields.InDeclarationOrder().Select(f => f.Name));
        var full = GenerateRequest.Parser.ParseJson("""
            {"model":"m","adapter":"a","max_tokens":0,"temperature":0,"top_k":0,"top_p":0.5,"min_p":0,"seed":"7","stop":["x"],"stop_token_ids":[1],"ignore_eos":true,
             "logprobs":0,"typical_p":1,"repetition_penalty":2,"frequency_penalty":3,"presence_penalty":4,"logit_bias":{"5":6},"n":1,"best_of":2,"priority":"BATCH","adapter_scale":0.5}
            """);
        ChatRequest chat = full.ToChatRequest();
        Assert.True(shared.Count >= 21);
        foreach (string name in shared)
        {
            object expected = GenerateRequest.Descriptor.FindFieldByName(name).Accessor.GetValue(full);
            Assert.Equal(expected, ChatRequest.Descriptor.FindFieldByName(name).Accessor.GetValue(chat));
        }
        Assert.True(chat.HasMaxTokens && chat.HasTopK);
    }
}
