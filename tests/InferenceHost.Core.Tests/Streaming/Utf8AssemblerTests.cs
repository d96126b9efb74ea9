using System.Text;
using InferenceHost.Core.Streaming;

namespace InferenceHost.Core.Tests.Streaming;

public sealed class Utf8AssemblerTests
{
    [Fact]
    public void AnyCutOfAnyBytesGivesWhatDecodingTheWholeGives()
    {
        var random = new Random(1);
        for (var round = 0; round < 3000; round++)
        {
            var bytes = RandomBytes(random);
            var expected = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes));
            var assembler = default(Utf8Assembler);
            var output = new List<byte>();
            for (var start = 0; start < bytes.Length;)
            {
                var length = Math.Min(random.Next(5), bytes.Length - start);
                var buffer = new byte[Utf8Assembler.MaxOutputBytes(length)];
                var written = assembler.Append(bytes.AsSpan(start, length), buffer);
                Assert.True(System.Text.Unicode.Utf8.IsValid(buffer.AsSpan(0, written)));
                output.AddRange(buffer.Take(written));
                start += length;
            }

            var rest = new byte[3];
            output.AddRange(rest.Take(assembler.Flush(rest)));
            Assert.Equal(expected, output);
            Assert.Equal(0, assembler.PendingBytes);
        }
    }

    [Fact]
    public void CharacterComesWithItsLastByte()
    {
        var assembler = default(Utf8Assembler);
        var buffer = new byte[16];
        foreach (var part in "𠮷"u8[..3])
            Assert.Equal(0, assembler.Append([part], buffer));
        Assert.Equal(3, assembler.PendingBytes);
        Assert.Equal(4, assembler.Append("𠮷"u8[3..], buffer));
        Assert.Equal("𠮷", Encoding.UTF8.GetString(buffer, 0, 4));
        Assert.Equal(0, assembler.Flush(buffer));
    }

    [Fact]
    public void SpacesAreLeftAlone()
    {
        var assembler = default(Utf8Assembler);
        var buffer = new byte[64];
        Assert.Equal(6, assembler.Append("  . ,\n"u8, buffer));
        Assert.Equal("  . ,\n", Encoding.UTF8.GetString(buffer, 0, 6));
    }

    [Fact]
    public void TooSmallDestinationIsRefusedBeforeAnythingChanges()
    {
        var assembler = default(Utf8Assembler);
        Assert.Throws<ArgumentException>(() => assembler.Append("ab"u8, new byte[3]));
        var buffer = new byte[16];
        Assert.Equal(2, assembler.Append("ab"u8, buffer));
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new List<byte>();
        var pieces = random.Next(12);
        for (var piece = 0; piece < pieces; piece++)
        {
            string[] texts = ["a", "é", "あ", "髙", "𠮷", "👨‍👩‍👧", "\uFFFD", "\0"];
            byte[][] bad = [[0x80], [0xC0, 0xAF], [0xE3, 0x81], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80], [0xF5], [0xFF], [0xE0, 0x80], [0xF4, 0x90], [0xE3]];
            bytes.AddRange(random.Next(2) == 0 ? Encoding.UTF8.GetBytes(texts[random.Next(texts.Length)]) : bad[random.Next(bad.Length)]);
        }

        return [.. bytes];
    }
}
