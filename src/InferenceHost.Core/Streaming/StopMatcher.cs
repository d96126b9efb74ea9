namespace InferenceHost.Core.Streaming;

/// <summary>
/// Looks for stop strings in the text of one sequence, piece by piece, and holds back the longest end of the text that may still become one. The stop string
/// that is complete first wins; of those complete at the same byte the longest. The result does not depend on how the text is cut into pieces.
/// Linear in text times stop strings; allocates at creation only.
/// </summary>
public sealed class StopMatcher
{
    private readonly StopStrings _stops;

    // Per stop string: how many of its bytes the text ends with.
    private readonly int[] _matched;

    // What is held back is itself the beginning of a stop string, so it needs no buffer: which one, and how many bytes.
    private int _heldStop;
    private int _heldBytes;

    /// <param name="stops">The stop strings of the request.</param>
    public StopMatcher(StopStrings stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        _stops = stops;
        _matched = stops.Count == 0 ? [] : new int[stops.Count];
    }

    /// <summary>Bytes held back now.</summary>
    public int HeldBytes => _heldBytes;

    /// <summary>A destination of this size is enough for any text of that length.</summary>
    public int MaxOutputBytes(int textBytes) => checked(textBytes + _heldBytes);

    /// <summary>Takes the next piece of text and writes what is free to go. After a match nothing may be appended.</summary>
    /// <param name="text">Whole characters in UTF-8 (<see cref="Utf8Assembler"/>), so that what is emitted ends at a character too.</param>
    /// <param name="destination">At least <see cref="MaxOutputBytes"/> of the text.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short; nothing has changed.</exception>
    public StopAppendResult Append(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        if (destination.Length < MaxOutputBytes(text.Length))
            throw new ArgumentException($"The destination holds {destination.Length} bytes, {MaxOutputBytes(text.Length)} may be needed.");
        for (var index = 0; index < text.Length; index++)
        {
            if (Advance(text[index]) is not { } stop)
                continue;
            var emitted = _heldBytes + index + 1 - _stops.Pattern(stop).Length;
            Write(text, destination[..emitted]);
            Reset();
            return new StopAppendResult(emitted, true, stop);
        }

        var (heldStop, heldBytes) = Longest();
        var released = _heldBytes + text.Length - heldBytes;
        Write(text, destination[..released]);
        (_heldStop, _heldBytes) = (heldStop, heldBytes);
        return new StopAppendResult(released, false, 0);
    }

    /// <summary>Ends the text: what was held back is no stop string and is written.</summary>
    /// <param name="destination">At least <see cref="HeldBytes"/> long.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short; nothing has changed.</exception>
    public int Flush(Span<byte> destination)
    {
        if (destination.Length < _heldBytes)
            throw new ArgumentException($"The destination holds {destination.Length} bytes, {_heldBytes} are held.");
        var released = _heldBytes;
        Write([], destination[..released]);
        Reset();
        return released;
    }

    // The longest stop string that this byte completes.
    private int? Advance(byte next)
    {
        int? complete = null;
        for (var stop = 0; stop < _matched.Length; stop++)
        {
            var pattern = _stops.Pattern(stop);
            var matched = _matched[stop];
            while (matched > 0 && pattern[matched] != next)
                matched = _stops.Borders(stop)[matched - 1];
            if (pattern[matched] == next)
                matched++;
            _matched[stop] = matched;
            if (matched == pattern.Length && (complete is not { } best || pattern.Length > _stops.Pattern(best).Length))
                complete = stop;
        }

        return complete;
    }

    private (int Stop, int Bytes) Longest()
    {
        var longest = (Stop: 0, Bytes: 0);
        for (var stop = 0; stop < _matched.Length; stop++)
        {
            if (_matched[stop] > longest.Bytes)
                longest = (stop, _matched[stop]);
        }

        return longest;
    }

    // Fills the destination from what was held and the text after it.
    private void Write(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        var fromHeld = Math.Min(_heldBytes, destination.Length);
        if (fromHeld > 0)
            _stops.Pattern(_heldStop)[..fromHeld].CopyTo(destination);
        text[..(destination.Length - fromHeld)].CopyTo(destination[fromHeld..]);
    }

    private void Reset()
    {
        Array.Clear(_matched);
        (_heldStop, _heldBytes) = (0, 0);
    }
}
