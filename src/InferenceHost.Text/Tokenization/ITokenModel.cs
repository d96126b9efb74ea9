namespace InferenceHost.Text.Tokenization;

/// <summary>Cuts a part of a normalised run into tokens. Safe for any number of threads.</summary>
internal interface ITokenModel
{
    /// <summary>Appends the ids of the bytes from <paramref name="start"/> to <paramref name="end"/> of a run.</summary>
    void Encode(TextRun run, int start, int end, List<int> ids);
}
