using System.Buffers;

namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>
/// Finds special tokens in a text: leftmost first, the longest where several start at one place. libllama's own search is quadratic in the number
/// of matches and knows no origins; this one is linear, and a control token must lie inside one trusted segment.
/// </summary>
internal sealed class SpecialTokenMatcher
{
    private readonly Dictionary<int, int> _edges = [];
    private readonly List<int> _terminals = [-1];
    private readonly SpecialToken[] _tokens;
    private readonly SearchValues<byte> _firstBytes;

    public SpecialTokenMatcher(IReadOnlyList<SpecialToken> tokens)
    {
        _tokens = [.. tokens];
        for (var i = 0; i < _tokens.Length; i++)
        {
            var node = 0;
            foreach (var value in _tokens[i].Text)
            {
                var key = (node << 8) | value;
                if (!_edges.TryGetValue(key, out var next))
                {
                    _edges[key] = next = _terminals.Count;
                    _terminals.Add(-1);
                }
                node = next;
            }
            // The first of two tokens with one name wins, as in libllama's table.
            if (node != 0 && _terminals[node] < 0)
                _terminals[node] = i;
        }
        _firstBytes = SearchValues.Create([.. _tokens.Where(token => token.Text.Length > 0).Select(token => token.Text[0]).Distinct()]);
    }

    /// <summary>Splits a text into raw stretches and special tokens.</summary>
    public List<Fragment> Split(SegmentedText text)
    {
        var fragments = new List<Fragment>();
        ReadOnlySpan<byte> bytes = text.Bytes;
        int rawStart = 0, at = 0, segment = 0;
        while (at < bytes.Length)
        {
            var hop = bytes[at..].IndexOfAny(_firstBytes);
            if (hop < 0)
                break;
            at += hop;
            while (text.End(segment) <= at)
                segment++;
            var found = LongestAt(bytes, at, text.IsTrusted(segment) ? text.End(segment) : at);
            if (found < 0)
            {
                at++;
                continue;
            }
            ref readonly var token = ref _tokens[found];
            var rawEnd = at;
            if (token.StripsLeft)
                while (rawEnd > rawStart && IsSpace(bytes[rawEnd - 1]))
                    rawEnd--;
            if (rawEnd > rawStart)
                fragments.Add(new Fragment(rawStart, rawEnd - rawStart, null));
            fragments.Add(new Fragment(at, token.Text.Length, token.Id));
            at += token.Text.Length;
            if (token.StripsRight)
                while (at < bytes.Length && IsSpace(bytes[at]))
                    at++;
            rawStart = at;
        }
        if (rawStart < bytes.Length)
            fragments.Add(new Fragment(rawStart, bytes.Length - rawStart, null));
        return fragments;
    }

    private int LongestAt(ReadOnlySpan<byte> bytes, int at, int trustedEnd)
    {
        int node = 0, best = -1;
        for (var i = at; i < bytes.Length && _edges.TryGetValue((node << 8) | bytes[i], out node); i++)
        {
            var terminal = _terminals[node];
            if (terminal >= 0 && (!_tokens[terminal].NeedsTrust || i < trustedEnd))
                best = terminal;
        }
        return best;
    }

    private static bool IsSpace(byte value) => value == ' ' || (uint)(value - '\t') <= '\r' - '\t';
}
