namespace InferenceHost.Server.Supervision;

/// <summary>Starts engine processes; tests put a scripted one in its place.</summary>
internal interface IWorkerLauncher
{
    /// <summary>Starts a process that connects to the Unix socket at <paramref name="socketPath"/>.</summary>
    /// <exception cref="Hosting.StartupException">The executable is missing or cannot be started.</exception>
    IWorkerProcess Launch(string socketPath);
}
