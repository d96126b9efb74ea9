namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>
/// Cuts long raw text for byte-level BPE vocabularies into slices of bounded length. A cut before a single space between two letters or digits changes no
/// token (the space belongs to the word behind it); only where there is none, in a run that no human wrote, a slice ends anywhere between two characters.
/// </summary>
internal static class TextSlicer
{
    /// <summary>Bytes of a slice at most.</summary>
    public const int MaxSliceBytes = 32 * 1024;

    /// <summary>Length of the first slice of <paramref name="text"/>, bytes.</summary>
    public static int FirstSlice(ReadOnlySpan<byte> text)
    {
        if (text.Length <= MaxSliceBytes)
            return text.Length;
        for (var cut = MaxSliceBytes - 1; cut > MaxSliceBytes / 2; cut--)
            if (text[cut] == ' ' && IsWord(text[cut - 1]) && IsWord(text[cut + 1]))
                return cut;
        var end = MaxSliceBytes;
        while ((text[end] & 0xC0) == 0x80)
            end--;
        return end;
    }

    private static bool IsWord(byte value) => char.IsAsciiLetterOrDigit((char)value);
}
