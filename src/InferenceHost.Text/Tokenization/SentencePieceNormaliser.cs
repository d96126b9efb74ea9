namespace InferenceHost.Text.Tokenization;

/// <summary>
/// SentencePiece's normaliser with the identity map: a space becomes U+2581, one is put in front (<c>add_dummy_prefix</c>), and if asked for spaces are trimmed and
/// runs of them joined (<c>remove_extra_whitespaces</c>). Only U+0020 is a space. User-defined pieces pass unchanged.
/// </summary>
internal sealed class SentencePieceNormaliser(SpacePrefix prefix, bool removeExtraSpaces, TokenTrie? userDefined) : INormaliser
{
    private static ReadOnlySpan<byte> Space => "\u2581"u8;

    /// <inheritdoc/>
    public void Normalise(TextRun source, TextRun target)
    {
        var text = source.Bytes;
        if (removeExtraSpaces)
            text = text.TrimEnd((byte)' ');
        var position = 0;
        while (removeExtraSpaces && position < text.Length && text[position] == (byte)' ')
            position++;
        if (position == text.Length)
            return;
        if (prefix == SpacePrefix.EveryText || (prefix == SpacePrefix.First && source.StartsText))
            target.Append(Space);

        var guarded = 0;
        while (position < text.Length)
        {
            // Up to the next border of a guarded part in one go.
            while (guarded < source.Guarded.Count && source.Guarded[guarded].End <= position)
                guarded++;
            var inside = guarded < source.Guarded.Count && source.Guarded[guarded].Start <= position;
            var border = guarded == source.Guarded.Count ? text.Length : inside ? source.Guarded[guarded].End : source.Guarded[guarded].Start;
            var start = target.Bytes.Length;
            position = AppendUntil(text, position, Math.Min(border, text.Length), target);
            if (inside)
                target.GuardFrom(start);
        }
    }

    private int AppendUntil(ReadOnlySpan<byte> text, int position, int end, TextRun target)
    {
        while (position < end)
        {
            if (userDefined is not null && userDefined.TryLongest(text[position..end], out _, out var length))
            {
                target.Append(text.Slice(position, length));
                position += length;
                continue;
            }

            if (text[position] == (byte)' ')
            {
                target.Append(Space);
                position++;
                while (removeExtraSpaces && position < end && text[position] == (byte)' ')
                    position++;
                continue;
            }

            var next = userDefined is null ? NextSpace(text[position..end]) : 1;
            target.Append(text.Slice(position, next));
            position += next;
        }

        return position;
    }

    private static int NextSpace(ReadOnlySpan<byte> text) => text.IndexOf((byte)' ') is var space && space < 0 ? text.Length : space;
}
