namespace InferenceHost.Server.Supervision;

/// <summary>One engine process, from start to end.</summary>
internal interface IWorkerProcess : IAsyncDisposable
{
    /// <summary>Process id.</summary>
    int ProcessId { get; }

    /// <summary>Completes with a short description ("exit code 134", "signal 9") when the process has ended.</summary>
    Task<string> Exited { get; }

    /// <summary>The last lines it wrote to standard error.</summary>
    string RecentOutput { get; }

    /// <summary>Ends it at once (SIGKILL).</summary>
    void Kill();
}
