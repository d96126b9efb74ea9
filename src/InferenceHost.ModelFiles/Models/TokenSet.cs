using System.IO.Hashing;

namespace InferenceHost.ModelFiles.Models;

/// <summary>Finds tokens by their bytes, without a string per token: an open-addressed table of ids and hashes (12 bytes a slot).</summary>
internal sealed unsafe class TokenSet
{
    // The seed keeps a file from choosing tokens that all land in one slot.
    private static readonly long Seed = Random.Shared.NextInt64();
    private readonly int[] _slots;
    private readonly ulong[] _hashes;
    private readonly nint[] _starts;
    private readonly int[] _lengths;
    private readonly int _mask;

    public TokenSet(int count)
    {
        var size = 16;
        while (size < count * 2L)
            size *= 2;
        _slots = new int[size];
        _hashes = new ulong[count];
        _starts = new nint[count];
        _lengths = new int[count];
        _mask = size - 1;
    }

    /// <summary>Adds a token whose bytes stay in place; the id of an equal token if there is one already, else -1.</summary>
    public int Add(int id, ReadOnlySpan<byte> token)
    {
        var hash = XxHash3.HashToUInt64(token, Seed);
        _hashes[id] = hash;
        fixed (byte* start = token)
            _starts[id] = (nint)start;
        _lengths[id] = token.Length;
        var slot = (int)hash & _mask;
        for (; _slots[slot] != 0; slot = (slot + 1) & _mask)
        {
            var other = _slots[slot] - 1;
            if (_hashes[other] == hash && Bytes(other).SequenceEqual(token))
                return other;
        }

        _slots[slot] = id + 1;
        return -1;
    }

    /// <summary>Id of the token with these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> token)
    {
        var hash = XxHash3.HashToUInt64(token, Seed);
        for (var slot = (int)hash & _mask; _slots[slot] != 0; slot = (slot + 1) & _mask)
        {
            var other = _slots[slot] - 1;
            if (_hashes[other] == hash && Bytes(other).SequenceEqual(token))
                return other;
        }

        return -1;
    }

    private ReadOnlySpan<byte> Bytes(int id) => new((void*)_starts[id], _lengths[id]);
}
