namespace InferenceHost.Text.Tokenization;

/// <summary>Changes text before it is cut into tokens (spaces, Unicode forms). Stateless.</summary>
internal interface INormaliser
{
    /// <summary>Writes the normalised form of a run, with its guarded parts carried over.</summary>
    /// <param name="source">The run as it came.</param>
    /// <param name="target">An empty run of the same <see cref="TextRun.StartsText"/>.</param>
    void Normalise(TextRun source, TextRun target);
}
