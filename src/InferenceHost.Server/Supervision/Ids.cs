namespace InferenceHost.Server.Supervision;

/// <summary>Ids of calls and sequences: never reused within the server's life, over all engine processes.</summary>
internal static class Ids
{
    private static ulong s_last;

    /// <summary>The next id, from 1.</summary>
    public static ulong Next() => Interlocked.Increment(ref s_last);
}
