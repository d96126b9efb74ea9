using System.Text;

namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>The segments of a prompt as one run of UTF-8, with the borders kept: text that is split by origin is still tokenised as one text.</summary>
internal sealed class SegmentedText
{
    private readonly int[] _ends;
    private readonly bool[] _trusted;

    private SegmentedText(byte[] bytes, int[] ends, bool[] trusted)
    {
        Bytes = bytes;
        _ends = ends;
        _trusted = trusted;
    }

    /// <summary>All segments, one behind the other.</summary>
    public byte[] Bytes { get; }

    /// <summary>Number of segments.</summary>
    public int Count => _ends.Length;

    /// <summary>First byte behind a segment.</summary>
    public int End(int segment) => _ends[segment];

    /// <summary>Whether control tokens are recognised in a segment.</summary>
    public bool IsTrusted(int segment) => _trusted[segment];

    /// <summary>Encodes; null with the place of the first lone surrogate where the text is invalid.</summary>
    public static SegmentedText? TryEncode(ReadOnlySpan<TextSegment> segments, out int invalidSegment, out int invalidIndex)
    {
        (invalidSegment, invalidIndex) = (0, 0);
        var total = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            invalidIndex = FirstLoneSurrogate(segments[i].Text);
            if (invalidIndex >= 0)
            {
                invalidSegment = i;
                return null;
            }
            total = checked(total + Encoding.UTF8.GetByteCount(segments[i].Text));
        }
        var bytes = new byte[total];
        var ends = new int[segments.Length];
        var trusted = new bool[segments.Length];
        var at = 0;
        for (var i = 0; i < segments.Length; i++)
        {
            at += Encoding.UTF8.GetBytes(segments[i].Text, bytes.AsSpan(at));
            ends[i] = at;
            trusted[i] = segments[i].ParseSpecial;
        }
        return new SegmentedText(bytes, ends, trusted);
    }

    private static int FirstLoneSurrogate(ReadOnlySpan<char> text)
    {
        var at = 0;
        while (true)
        {
            var next = text[at..].IndexOfAnyInRange('\uD800', '\uDFFF');
            if (next < 0)
                return -1;
            at += next;
            if (!char.IsHighSurrogate(text[at]) || at + 1 >= text.Length || !char.IsLowSurrogate(text[at + 1]))
                return at;
            at += 2;
        }
    }
}
