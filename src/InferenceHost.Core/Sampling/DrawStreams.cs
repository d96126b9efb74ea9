namespace InferenceHost.Core.Sampling;

/// <summary>Numbers of the independent random draws at one position of a sequence.</summary>
internal static class DrawStreams
{
    /// <summary>The token itself.</summary>
    public const uint Token = 0;

    /// <summary>Whether a drafted token is accepted.</summary>
    public const uint DraftAcceptance = 1;
}
