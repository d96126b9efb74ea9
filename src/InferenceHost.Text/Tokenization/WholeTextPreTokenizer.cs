namespace InferenceHost.Text.Tokenization;

/// <summary>No boundaries: tokens may cross words, as SentencePiece itself has it.</summary>
internal sealed class WholeTextPreTokenizer : IPreTokenizer
{
    /// <inheritdoc/>
    public int NextBoundary(ReadOnlySpan<byte> text, int start) => text.Length;
}
