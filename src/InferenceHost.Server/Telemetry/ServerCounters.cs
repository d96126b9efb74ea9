namespace InferenceHost.Server.Telemetry;

/// <summary>What the server counts itself; the engine's counters come from its process.</summary>
internal sealed class ServerCounters(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();
    private long _stalledStreams;

    /// <summary>Streams ended because their reader had stopped reading.</summary>
    public long StalledStreams => Volatile.Read(ref _stalledStreams);

    /// <summary>Time since the server started.</summary>
    public TimeSpan Uptime => time.GetElapsedTime(_started);

    /// <summary>Counts a stalled stream.</summary>
    public void StreamStalled() => Interlocked.Increment(ref _stalledStreams);
}
