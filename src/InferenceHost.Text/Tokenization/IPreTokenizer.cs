namespace InferenceHost.Text.Tokenization;

/// <summary>Cuts a normalised run into parts that no token crosses. Stateless.</summary>
internal interface IPreTokenizer
{
    /// <summary>The end of the part that begins at <paramref name="start"/>.</summary>
    int NextBoundary(ReadOnlySpan<byte> text, int start);
}
