using System.Text;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Tests.Streaming;

public sealed class StopMatcherTests
{
    [Fact]
    public void AnyTextInAnyPiecesStopsWhereTheNaiveSearchStops()
    {
        var random = new Random(2);
        for (var round = 0; round < 5000; round++)
        {
            var alphabet = random.Next(2) == 0 ? "ab" : "aあ𠮷";
            var stops = Enumerable.Range(0, random.Next(4)).Select(_ => RandomText(random, alphabet, 1 + random.Next(5))).ToArray();
            var text = Encoding.UTF8.GetBytes(RandomText(random, alphabet, random.Next(40)));
            Check(random, stops, text);
        }
    }

    [Fact]
    public void HoldsBackOnlyWhatMayStillMatch()
    {
        var matcher = Matcher("</s>", "<|end|>");
        Assert.Equal(("hello ", false), Feed(matcher, "hello <"));
        Assert.Equal(1, matcher.HeldBytes);
        Assert.Equal(("", false), Feed(matcher, "|en"));
        Assert.Equal(("<|en ", false), Feed(matcher, " "));
        Assert.Equal(("x", true), Feed(matcher, "x</s>tail"));
    }

    [Fact]
    public void StopStringAcrossTokensAndCharactersIsFound()
    {
        var matcher = Matcher("。以上");
        Assert.Equal(("はい", false), Feed(matcher, "はい。"));
        Assert.Equal(("", false), Feed(matcher, "以"));
        Assert.Equal(("", true), Feed(matcher, "上です"));
    }

    [Fact]
    public void FirstCompletedWinsAndThenTheLongest()
    {
        Assert.Equal(("a", true), Feed(Matcher("abcd", "bc"), "abcd"));
        Assert.Equal(("", true), Feed(Matcher("bc", "abc"), "abc"));
    }

    [Fact]
    public void FlushGivesWhatWasHeld()
    {
        var matcher = Matcher("END");
        Assert.Equal(("x", false), Feed(matcher, "xEN"));
        var buffer = new byte[2];
        Assert.Equal(2, matcher.Flush(buffer));
        Assert.Equal("EN", Encoding.UTF8.GetString(buffer));
    }

    [Fact]
    public void LimitsAreFieldErrors()
    {
        Assert.False(StopStrings.TryCreate(Enumerable.Repeat("x", 65).ToArray(), out _, out var error));
        Assert.Equal("stop is 65 strings; allowed: at most 64 strings", error.ToString());
        Assert.False(StopStrings.TryCreate(["a", ""], out _, out error));
        Assert.Equal("stop[1] is empty; allowed: 1 to 1024 bytes of UTF-8", error.ToString());
        Assert.False(StopStrings.TryCreate([new string('あ', 342)], out _, out error));
        Assert.Equal("stop[0] is 1026 bytes; allowed: 1 to 1024 bytes of UTF-8", error.ToString());
        Assert.False(StopStrings.TryCreate(["ab\uD800c"], out _, out error));
        Assert.Equal("stop[0] is a text with a lone surrogate at character 2; allowed: well-formed Unicode", error.ToString());
        Assert.True(StopStrings.TryCreate(["a\U00020BB7b"], out var stops, out _));
        Assert.Equal(6, stops.LongestBytes);
    }

    [Fact]
    public void NoStopStringsPassEverything() => Assert.Equal(("anything", false), Feed(Matcher(), "anything"));

    private static void Check(Random random, string[] stops, byte[] text)
    {
        var (expectedText, expectedStop) = Naive(stops, text);
        var matcher = Matcher(stops);
        var output = new List<byte>();
        int? stopped = null;
        for (var start = 0; start < text.Length && stopped is null;)
        {
            var length = Math.Min(random.Next(6), text.Length - start);
            var buffer = new byte[matcher.MaxOutputBytes(length)];
            var result = matcher.Append(text.AsSpan(start, length), buffer);
            output.AddRange(buffer.Take(result.EmittedBytes));
            start += length;
            if (result.Stopped)
                stopped = result.StopIndex;
            else
                Assert.Equal(LongestHold(stops, text[..start]), matcher.HeldBytes);
        }

        if (stopped is null)
        {
            var rest = new byte[matcher.HeldBytes];
            output.AddRange(rest.Take(matcher.Flush(rest)));
        }

        Assert.Equal(expectedText, output);
        Assert.Equal(expectedStop, stopped is { } index ? stops[index] : null);
    }

    private static (byte[] Text, string? Stop) Naive(string[] stops, byte[] text)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var found = stops.Where(stop => text.AsSpan(0, end).EndsWith(Encoding.UTF8.GetBytes(stop))).MaxBy(Encoding.UTF8.GetByteCount);
            if (found is not null)
                return (text[..(end - Encoding.UTF8.GetByteCount(found))], found);
        }

        return (text, null);
    }

    private static int LongestHold(string[] stops, byte[] text) =>
        stops.Select(Encoding.UTF8.GetBytes)
            .SelectMany(stop => Enumerable.Range(0, stop.Length).Where(length => text.AsSpan().EndsWith(stop.AsSpan(0, length))))
            .DefaultIfEmpty(0).Max();

    private static string RandomText(Random random, string alphabet, int length)
    {
        var runes = alphabet.EnumerateRunes().ToArray();
        return string.Concat(Enumerable.Range(0, length).Select(_ => runes[random.Next(runes.Length)].ToString()));
    }

    private static StopMatcher Matcher(params string[] stops)
    {
        Assert.True(StopStrings.TryCreate(stops, out var set, out var error), error.ToString());
        return new StopMatcher(set);
    }

    private static (string Text, bool Stopped) Feed(StopMatcher matcher, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var buffer = new byte[matcher.MaxOutputBytes(bytes.Length)];
        var result = matcher.Append(bytes, buffer);
        return (Encoding.UTF8.GetString(buffer, 0, result.EmittedBytes), result.Stopped);
    }
}
