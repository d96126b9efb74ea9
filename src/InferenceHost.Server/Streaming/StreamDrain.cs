using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Streaming;

/// <summary>Lets the streams of a session end: by themselves within a time, else cancelled in the engine, else with a last message from here.</summary>
internal static class StreamDrain
{
    // An engine that was told to cancel answers within a step; one that does not is spoken for.
    private static readonly TimeSpan s_cancelPatience = TimeSpan.FromMilliseconds(750);
    private static readonly TimeSpan s_lastWritePatience = TimeSpan.FromSeconds(2);

    /// <summary>Completes when no stream runs any more, or its last message could not be written in time.</summary>
    /// <param name="session">The session; nothing new is admitted to it any more.</param>
    /// <param name="patience">Time the streams have.</param>
    /// <param name="hurry">Cancels the waiting, not the ending.</param>
    /// <returns>Streams that ended by themselves, and those that were cancelled.</returns>
    public static async Task<(int Finished, int Cancelled)> RunAsync(EngineSession session, TimeSpan patience, CancellationToken hurry)
    {
        var running = session.Streams.Running.Count;
        var empty = session.Streams.WhenEmpty();
        await WaitAsync(empty, patience, hurry);
        var left = session.Streams.Running;
        foreach (var stream in left)
            session.Cancel(stream);
        await WaitAsync(empty, s_cancelPatience, hurry);
        foreach (var stream in session.Streams.Running)
            stream.FinishCancelled();
        await WaitAsync(empty, s_lastWritePatience, hurry);
        return (Math.Max(0, running - left.Count), left.Count);
    }

    private static Task WaitAsync(Task empty, TimeSpan patience, CancellationToken hurry) =>
        empty.IsCompleted ? Task.CompletedTask : Task.WhenAny(empty, Task.Delay(patience, hurry));
}
