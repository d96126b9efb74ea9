using System.ComponentModel;
using System.Diagnostics;
using InferenceHost.Server.Hosting;

namespace InferenceHost.Server.Supervision;

/// <summary>Finds and starts <c>inferencehost-worker</c>: the given path, else the executable beside this assembly, else its .dll through <c>dotnet</c>.</summary>
internal sealed class WorkerProcessLauncher(string? workerPath) : IWorkerLauncher
{
    private const string Name = "inferencehost-worker";

    /// <inheritdoc/>
    public IWorkerProcess Launch(string socketPath)
    {
        var start = Command(Find(workerPath));
        start.ArgumentList.Add("--socket");
        start.ArgumentList.Add(socketPath);
        return Start(start);
    }

    /// <summary>Starts another command of the same executable, such as <c>probe</c>.</summary>
    public IWorkerProcess LaunchCommand(params ReadOnlySpan<string> arguments)
    {
        var start = Command(Find(workerPath));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return Start(start);
    }

    private static ProcessStartInfo Command(string path)
    {
        var isLibrary = path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(isLibrary ? DotnetHost() : path)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = false,
        };
        if (isLibrary)
            start.ArgumentList.Add(path);
        // An abort in native code would fork a debugger.
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        return start;
    }

    private static WorkerProcess Start(ProcessStartInfo start)
    {
        try
        {
            return new WorkerProcess(start);
        }
        catch (Win32Exception error)
        {
            throw new StartupException(
                $"the engine process '{start.FileName}' cannot be started: {error.Message}",
                "Check that the file is executable, or name another one with --worker PATH.",
                StartupException.EngineExitCode);
        }
    }

    private static string Find(string? configured)
    {
        if (configured is { Length: > 0 })
        {
            return File.Exists(configured)
                ? Path.GetFullPath(configured)
                : throw new StartupException($"the engine process '{configured}' does not exist", "Name an existing file with --worker PATH.", StartupException.EngineExitCode);
        }
        var folder = AppContext.BaseDirectory;
        ReadOnlySpan<string> candidates = [Path.Combine(folder, Name), Path.Combine(folder, Name + ".exe"), Path.Combine(folder, Name + ".dll")];
        foreach (var candidate in candidates)
        {
            if (File.Exists(candidate))
                return candidate;
        }
        throw new StartupException(
            $"the engine process '{Name}' is not in {folder}",
            "Build the whole solution, or name the executable with --worker PATH.",
            StartupException.EngineExitCode);
    }

    private static string DotnetHost() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host && File.Exists(host) ? host : "dotnet";
}
