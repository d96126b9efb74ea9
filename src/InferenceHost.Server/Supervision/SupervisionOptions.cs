namespace InferenceHost.Server.Supervision;

/// <summary>How patient the supervisor is.</summary>
/// <param name="HeartbeatTimeout">Silence after which the process counts as hung.</param>
/// <param name="StepTimeout">Length of one engine call after which the process counts as hung.</param>
/// <param name="MaxLoadDeaths">Deaths in a row while loading a model after which it is given up.</param>
/// <param name="ShutdownPatience">Time the process has to end by itself when asked to.</param>
internal sealed record SupervisionOptions(TimeSpan HeartbeatTimeout, TimeSpan StepTimeout, int MaxLoadDeaths, TimeSpan ShutdownPatience)
{
    /// <summary>Pause before the n-th start after a death, n from 1: none at first, then doubling up to 10 s.</summary>
    public static TimeSpan Backoff(int failuresInARow) =>
        failuresInARow <= 1 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Min(10_000, 125 * Math.Pow(2, Math.Min(failuresInARow, 20) - 1)));
}
