namespace InferenceHost.Core.Streaming;

/// <summary>The output side of one sample: tokens become bytes, bytes whole characters, characters text that can no longer be a stop string.</summary>
internal sealed class SequenceOutput(StopStrings stops)
{
    private readonly StopMatcher? _matcher = stops.Count > 0 ? new StopMatcher(stops) : null;
    private Utf8Assembler _assembler;

    /// <summary>Writes what a token's bytes complete into the frame; true where a stop string is complete.</summary>
    public bool Append(ReadOnlySpan<byte> piece, StepFrame frame)
    {
        if (_matcher is null)
        {
            frame.AdvanceText(_assembler.Append(piece, frame.TextBuffer(Utf8Assembler.MaxOutputBytes(piece.Length))));
            return false;
        }
        Span<byte> text = piece.Length <= 256 ? stackalloc byte[Utf8Assembler.MaxOutputBytes(256)] : new byte[Utf8Assembler.MaxOutputBytes(piece.Length)];
        return Match(text[.._assembler.Append(piece, text)], frame);
    }

    /// <summary>Ends the text; true where its last bytes complete a stop string.</summary>
    public bool Flush(StepFrame frame)
    {
        Span<byte> rest = stackalloc byte[4];
        var bytes = rest[.._assembler.Flush(rest)];
        if (_matcher is null)
        {
            bytes.CopyTo(frame.TextBuffer(bytes.Length));
            frame.AdvanceText(bytes.Length);
            return false;
        }
        if (Match(bytes, frame)) return true;
        frame.AdvanceText(_matcher.Flush(frame.TextBuffer(_matcher.HeldBytes)));
        return false;
    }

    private bool Match(ReadOnlySpan<byte> text, StepFrame frame)
    {
        var result = _matcher!.Append(text, frame.TextBuffer(_matcher.MaxOutputBytes(text.Length)));
        frame.AdvanceText(result.EmittedBytes);
        return result.Stopped;
    }
}
