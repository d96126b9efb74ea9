using System.Diagnostics;

namespace InferenceHost.Server.Supervision;

/// <summary>A child process running the engine. Its standard error goes into a ring, its standard output nowhere.</summary>
internal sealed class WorkerProcess : IWorkerProcess
{
    private readonly Process _process;
    private readonly LineRing _ring = new();
    private readonly TaskCompletionSource<string> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkerProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.ErrorDataReceived += (_, line) => _ring.Add(line.Data ?? "");
        _process.OutputDataReceived += (_, line) => _ring.Add(line.Data ?? "");
        _process.Start();
        ProcessId = _process.Id;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        _ = WaitAsync();
    }

    /// <inheritdoc/>
    public int ProcessId { get; }

    /// <inheritdoc/>
    public Task<string> Exited => _exited.Task;

    /// <inheritdoc/>
    public string RecentOutput => _ring.ToString();

    /// <inheritdoc/>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Kill();
        await Task.WhenAny(_exited.Task, Task.Delay(TimeSpan.FromSeconds(10)));
        _process.Dispose();
    }

    // Ends with the process and with what it wrote; a child of its own may hold the pipes open for longer than anybody wants to wait.
    private async Task WaitAsync()
    {
        // Not disposed: the event may come late.
        var patience = new CancellationTokenSource();
        _process.Exited += (_, _) => patience.CancelAfter(TimeSpan.FromMilliseconds(500));
        if (_process.HasExited)
            patience.CancelAfter(TimeSpan.FromMilliseconds(500));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // The output is not complete; the process has ended.
        }
        _exited.TrySetResult(Describe(_process));
    }

    // .NET reports death by signal n as exit code 128 + n.
    private static string Describe(Process process)
    {
        var code = process.ExitCode;
        return code switch
        {
            > 128 and < 128 + 65 when !OperatingSystem.IsWindows() => $"signal {code - 128}{Name(code - 128)}",
            _ => $"exit code {code}",
        };
    }

    private static string Name(int signal) => signal switch
    {
        4 => " (illegal instruction)",
        6 => " (abort)",
        9 => " (killed; the system may be out of memory)",
        11 => " (segmentation fault)",
        15 => " (terminated)",
        _ => "",
    };
}
