using System.Collections.Concurrent;
using System.Diagnostics;
using InferenceHost.Testing;

namespace InferenceHost.ModelFiles.Tests.Mutation;

/// <summary>The engine in a process of its own: shown one file after the other, started again after a death.</summary>
internal sealed class ProbeProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ConcurrentQueue<string> _errors = new();
    private Process? _process;

    /// <summary>Last lines of the engine's error output.</summary>
    public string Errors => string.Join(" | ", _errors.TakeLast(3));

    /// <summary>Folder of the engine's libraries; the calling test is skipped where they were not restored.</summary>
    public static string RequireLibraries()
    {
        var folder = Path.Combine(SharedData.RepositoryRoot, "native", "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64");
        Assert.SkipUnless(Directory.Exists(folder), $"the engine's libraries are not at {folder}");
        return folder;
    }

    /// <summary>The engine's answer, or null if it died or hung.</summary>
    public string? Show(string line)
    {
        _process ??= Start();
        _errors.Clear();
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLineAsync();
        if (answer.Wait(Patience) && answer.Result is { } text)
            return text;
        _errors.Enqueue(_process.WaitForExit(1000) ? $"exit code {_process.ExitCode}" : "hung");
        Dispose();
        return null;
    }

    public void Dispose()
    {
        if (_process is null)
            return;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "InferenceHost.NativeProbe.dll"));
        start.ArgumentList.Add(RequireLibraries());
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
                _errors.Enqueue(text);
        };
        process.BeginErrorReadLine();
        Assert.Equal("ready", process.StandardOutput.ReadLine());
        return process;
    }
}
