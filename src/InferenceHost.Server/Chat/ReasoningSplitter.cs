namespace InferenceHost.Server.Chat;

/// <summary>
/// Takes the reasoning part out of one sample's text as it streams. Markers may be split anywhere between messages: what may still become one is held
/// back. Line breaks right behind a marker belong to it.
/// </summary>
internal sealed class ReasoningSplitter(bool startsInReasoning)
{
    private State _state = startsInReasoning ? State.ReasoningStart : State.Undecided;
    private string _held = "";

    private enum State
    {
        // Nothing but white space so far: a marker may open the reasoning part.
        Undecided,
        ReasoningStart,
        Reasoning,
        TextStart,
        Text,
    }

    /// <summary>Splits the next piece of text.</summary>
    /// <param name="piece">Whole characters.</param>
    /// <param name="isLast">Nothing follows: what is held back comes out as what it was.</param>
    public (string Reasoning, string Text) Next(string piece, bool isLast)
    {
        // By far the most common case costs nothing.
        if (_state == State.Text)
            return ("", piece);
        var rest = _held + piece;
        _held = "";
        var (reasoning, text) = ("", "");
        while (rest.Length > 0 || isLast)
        {
            switch (_state)
            {
                case State.Undecided:
                    rest = Decide(rest, isLast);
                    break;
                case State.ReasoningStart or State.TextStart:
                    rest = rest.TrimStart('\n', '\r');
                    if (rest.Length > 0)
                        _state = _state == State.ReasoningStart ? State.Reasoning : State.Text;
                    break;
                case State.Reasoning:
                    reasoning += TakeReasoning(ref rest, isLast);
                    break;
                case State.Text:
                    text += rest;
                    rest = "";
                    break;
            }
            if (_held.Length > 0 || rest.Length == 0)
                break;
        }
        return (reasoning, text);
    }

    private string Decide(string rest, bool isLast)
    {
        var start = rest.AsSpan().TrimStart();
        if (start.StartsWith(ChatPromptBuilder.ThinkOpen, StringComparison.Ordinal))
        {
            _state = State.ReasoningStart;
            return start[ChatPromptBuilder.ThinkOpen.Length..].ToString();
        }
        if (!isLast && ChatPromptBuilder.ThinkOpen.AsSpan().StartsWith(start, StringComparison.Ordinal))
        {
            _held = rest;
            return "";
        }
        _state = State.Text;
        return rest;
    }

    private string TakeReasoning(ref string rest, bool isLast)
    {
        var close = rest.IndexOf(ChatPromptBuilder.ThinkClose, StringComparison.Ordinal);
        if (close >= 0)
        {
            var before = rest[..close];
            rest = rest[(close + ChatPromptBuilder.ThinkClose.Length)..];
            _state = State.TextStart;
            return before;
        }
        var keep = isLast ? 0 : HeldLength(rest);
        var taken = rest[..^keep];
        _held = rest[^keep..];
        rest = "";
        return taken;
    }

    // Characters at the end that may be the beginning of the closing marker.
    private static int HeldLength(string text)
    {
        for (var length = Math.Min(ChatPromptBuilder.ThinkClose.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(ChatPromptBuilder.ThinkClose.AsSpan(0, length)))
                return length;
        }
        return 0;
    }
}
