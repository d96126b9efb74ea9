using System.Numerics;

namespace InferenceHost.Core.Speculation;

/// <summary>
/// Where in a growing text each n-gram last ended, for one n: an open-addressing table of end positions. A hit is compared token by token, so there are no false ones.
/// </summary>
internal sealed class NgramIndex
{
    private const int Empty = -1;

    private readonly int _length;
    private int[] _ends;
    private int _used;

    /// <param name="length">Tokens per n-gram.</param>
    /// <param name="capacityTokens">Text length up to which nothing is allocated.</param>
    public NgramIndex(int length, int capacityTokens)
    {
        _length = length;
        _ends = NewTable(capacityTokens);
    }

    /// <summary>Enters the n-gram that ends before <paramref name="end"/>; a later place replaces an earlier one.</summary>
    public void Add(ReadOnlySpan<int> text, int end)
    {
        if (end < _length)
            return;
        if (_used * 2 >= _ends.Length)
            Grow(text);
        var slot = Find(text, text.Slice(end - _length, _length));
        if (_ends[slot] == Empty)
            _used++;
        _ends[slot] = end;
    }

    /// <summary>Where the n-gram at the end of the text ended before.</summary>
    public bool TryFindEnd(ReadOnlySpan<int> text, out int end)
    {
        end = Empty;
        if (text.Length >= _length)
            end = _ends[Find(text, text[^_length..])];
        return end != Empty;
    }

    private int Find(ReadOnlySpan<int> text, ReadOnlySpan<int> ngram)
    {
        var mask = _ends.Length - 1;
        var slot = (int)(Hash(ngram) >> 32) & mask;
        while (_ends[slot] is var end && end != Empty && !text.Slice(end - _length, _length).SequenceEqual(ngram))
            slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow(ReadOnlySpan<int> text)
    {
        var old = _ends;
        _ends = NewTable(old.Length);
        foreach (var end in old)
        {
            if (end != Empty)
                _ends[Find(text, text.Slice(end - _length, _length))] = end;
        }
    }

    private static ulong Hash(ReadOnlySpan<int> ngram)
    {
        var hash = 0x9E3779B97F4A7C15UL;
        foreach (var token in ngram)
        {
            hash = unchecked((hash ^ (uint)token) * 0xD6E8FEB86659FD93UL);
            hash ^= hash >> 32;
        }

        return unchecked(hash * 0xD6E8FEB86659FD93UL);
    }

    private static int[] NewTable(int tokens)
    {
        var table = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, tokens) * 2)];
        table.AsSpan().Fill(Empty);
        return table;
    }
}
