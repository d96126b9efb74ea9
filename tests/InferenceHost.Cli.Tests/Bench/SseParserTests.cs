using System.Text;
using InferenceHost.Cli.Bench.Targets;

namespace InferenceHost.Cli.Tests.Bench;

public sealed class SseParserTests
{
    private static readonly string[] ThreeEvents = ["{\"a\":1}", "first\nsecond", "[DONE]"];

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public void EventsAreTheSameWhereverTheBytesAreCut(string newline)
    {
        var wire = Encoding.UTF8.GetBytes("\uFEFF: comment\ndata: {\"a\":1}\nid: 7\n\nevent: x\ndata:first\ndata: second\n\nretry: 5\n\ndata: [DONE]\n\ndata: never finished\n".Replace("\n", newline, StringComparison.Ordinal));
        for (var cut = 0; cut <= wire.Length; cut++)
            Assert.Equal(ThreeEvents, Parse(new SseParser(), wire[..cut], wire[cut..]));
        Assert.Equal(ThreeEvents, Parse(new SseParser(), [.. wire.Select(b => new[] { b })]));
    }

    [Fact]
    public void OtherFieldsThatBeginWithDataAreNotData() => Assert.Equal(["x"], Parse(new SseParser(), "database: 1\ndata: x\n\n"u8.ToArray()));

    [Fact]
    public void DataWithoutColonIsAnEmptyLine() => Assert.Equal(["", "\n"], Parse(new SseParser(), "data\n\ndata\ndata\n\n"u8.ToArray()));

    [Fact]
    public void OnlyOneSpaceBehindTheColonIsTaken() => Assert.Equal([" x "], Parse(new SseParser(), "data:  x \n\n"u8.ToArray()));

    [Fact]
    public void EventsLargerThanTheBufferArriveWhole()
    {
        var text = new string('x', 100_000);
        Assert.Equal([text, "y"], Parse(new SseParser(), Encoding.UTF8.GetBytes($"data: {text}\n\ndata: y\n\n").Chunk(777).ToArray()));
    }

    [Fact]
    public void EndlessLinesAreRefused()
    {
        var parser = new SseParser(maxEventBytes: 20_000);
        Assert.Throws<InvalidDataException>(() => Parse(parser, [.. Enumerable.Repeat(new byte[1000], 100)]));
    }

    [Fact]
    public void EndlessEventsAreRefused()
    {
        var parser = new SseParser(maxEventBytes: 20_000);
        Assert.Throws<InvalidDataException>(() => Parse(parser, [.. Enumerable.Repeat("data: 0123456789\n"u8.ToArray(), 5000)]));
    }

    private static List<string> Parse(SseParser parser, params byte[][] chunks)
    {
        var events = new List<string>();
        foreach (var chunk in chunks)
        {
            var rest = chunk.AsMemory();
            while (rest.Length > 0)
            {
                var space = parser.GetFreeSpace();
                var count = Math.Min(space.Length, rest.Length);
                rest[..count].CopyTo(space);
                parser.Advance(count);
                rest = rest[count..];
                while (parser.TryReadEvent(out var data)) events.Add(Encoding.UTF8.GetString(data));
            }
        }
        return events;
    }
}
