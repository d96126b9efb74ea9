using System.Numerics;

namespace InferenceHost.Core.Sampling;

/// <summary>
/// How often each token occurs among the last tokens of a sequence: an open-addressing table (linear probing, deletion by backward shift) over a
/// dense list, so that the penalties touch only tokens that occur. Arrays double when full; within the capacity given at creation nothing is allocated.
/// </summary>
internal sealed class TokenHistory
{
    private const int Empty = -1;

    private readonly int[]? _window;
    private int[] _slots;
    private int[] _ids;
    private int[] _counts;
    private int _distinct;
    private int _next;
    private bool _windowFull;

    /// <param name="windowTokens">Tokens older than this are forgotten; null = none are.</param>
    /// <param name="capacityTokens">Expected length of the sequence.</param>
    public TokenHistory(int? windowTokens, int capacityTokens)
    {
        if (windowTokens is { } window)
        {
            _window = new int[window];
            capacityTokens = window;
        }

        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, capacityTokens));
        _ids = new int[capacity];
        _counts = new int[capacity];
        _slots = new int[capacity * 2];
        _slots.AsSpan().Fill(Empty);
    }

    /// <summary>Tokens that occur, each once, in no particular order.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, _distinct);

    /// <summary>How often each of <see cref="Ids"/> occurs.</summary>
    public ReadOnlySpan<int> Counts => _counts.AsSpan(0, _distinct);

    /// <summary>Counts one more token and forgets the one that leaves the window.</summary>
    public void Add(int token)
    {
        if (_window is not null)
        {
            if (_window.Length == 0)
                return;
            if (_windowFull)
                Remove(_window[_next]);
            _window[_next] = token;
            _next++;
            if (_next == _window.Length)
            {
                _next = 0;
                _windowFull = true;
            }
        }

        var slot = Find(token);
        if (_slots[slot] != Empty)
        {
            _counts[_slots[slot]]++;
            return;
        }

        if (_distinct == _ids.Length)
        {
            Grow();
            slot = Find(token);
        }

        _slots[slot] = _distinct;
        _ids[_distinct] = token;
        _counts[_distinct] = 1;
        _distinct++;
    }

    private void Remove(int token)
    {
        var slot = Find(token);
        var entry = _slots[slot];
        if (--_counts[entry] > 0)
            return;

        // The last entry of the dense list takes the freed place.
        var last = --_distinct;
        if (entry != last)
        {
            _slots[Find(_ids[last])] = entry;
            _ids[entry] = _ids[last];
            _counts[entry] = _counts[last];
        }

        CloseGap(slot);
    }

    private void CloseGap(int gap)
    {
        var mask = _slots.Length - 1;
        _slots[gap] = Empty;
        for (var slot = (gap + 1) & mask; _slots[slot] != Empty; slot = (slot + 1) & mask)
        {
            var home = Home(_ids[_slots[slot]]);
            if (((slot - home) & mask) < ((slot - gap) & mask))
                continue;
            _slots[gap] = _slots[slot];
            _slots[slot] = Empty;
            gap = slot;
        }
    }

    private void Grow()
    {
        Array.Resize(ref _ids, _ids.Length * 2);
        Array.Resize(ref _counts, _ids.Length);
        _slots = GC.AllocateUninitializedArray<int>(_ids.Length * 2);
        _slots.AsSpan().Fill(Empty);
        for (var entry = 0; entry < _distinct; entry++)
            _slots[Find(_ids[entry])] = entry;
    }

    private int Find(int token)
    {
        var mask = _slots.Length - 1;
        var slot = Home(token);
        while (_slots[slot] != Empty && _ids[_slots[slot]] != token)
            slot = (slot + 1) & mask;
        return slot;
    }

    private int Home(int token) => (int)(unchecked((uint)token * 2654435769u) >> (32 - BitOperations.Log2((uint)_slots.Length)));
}
