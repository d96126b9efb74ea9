using System.Net.Sockets;
using InferenceHost.Protocol;

namespace InferenceHost.Server.Supervision;

/// <summary>A started engine process with its connection.</summary>
internal sealed class EngineWorker : IAsyncDisposable
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(20);
    private readonly IWorkerProcess _process;

    private EngineWorker(IWorkerProcess process, WorkerLink link)
    {
        _process = process;
        Link = link;
    }

    /// <summary>Its connection.</summary>
    public WorkerLink Link { get; }

    /// <summary>Its process id.</summary>
    public int ProcessId => _process.ProcessId;

    /// <summary>Starts a process and waits until it has connected and introduced itself.</summary>
    /// <exception cref="EngineDiedException">It ended or did not connect.</exception>
    public static async Task<EngineWorker> StartAsync(IWorkerLauncher launcher, SocketFolder folder, TimeProvider time, CancellationToken cancellation)
    {
        var path = folder.NextSocketPath();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var process = launcher.Launch(path);
        WorkerLink? link = null;
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            timeout.CancelAfter(s_connectTimeout);
            var accept = listener.AcceptAsync(timeout.Token).AsTask();
            if (await Task.WhenAny(accept, process.Exited) != accept)
                throw await DiedAsync(process, "before it connected");
            link = new WorkerLink(await accept, time);
            var hello = await link.Hello.WaitAsync(timeout.Token);
            if (hello.ProtocolVersion != WorkerProtocol.Version)
                throw new EngineDiedException($"it speaks version {hello.ProtocolVersion} of the frames, this server version {WorkerProtocol.Version}; both must be of one build");
            return new EngineWorker(process, link);
        }
        catch (Exception error)
        {
            link?.Dispose();
            await process.DisposeAsync();
            if (error is OperationCanceledException && !cancellation.IsCancellationRequested)
                throw new EngineDiedException($"it did not connect within {s_connectTimeout.TotalSeconds:0} s" + Output(process));
            throw error is Errors.RefusalException ? new EngineDiedException("it ended before it introduced itself" + Output(process)) : error;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Kills the process; calls and streams end at once with the cause.</summary>
    public void Kill(string cause)
    {
        // In this order the calls hear the cause, not just that the connection ended.
        Link.Close(cause);
        _process.Kill();
    }

    /// <summary>How the process ended, with the last it wrote; waits a moment where it is still ending.</summary>
    public async Task<string> DescribeEndAsync()
    {
        await Task.WhenAny(_process.Exited, Task.Delay(TimeSpan.FromSeconds(1)));
        return (_process.Exited.IsCompletedSuccessfully ? await _process.Exited : "it closed its connection") + Output(_process);
    }

    /// <summary>Asks the process to end, and ends it where it takes longer than <paramref name="patience"/>.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        Link.Shutdown(TimeSpan.Zero);
        await Task.WhenAny(_process.Exited, Task.Delay(patience));
        await DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        Link.Dispose();
        await _process.DisposeAsync();
    }

    private static async Task<EngineDiedException> DiedAsync(IWorkerProcess process, string when) =>
        new($"it ended {when}: {await process.Exited}{Output(process)}");

    private static string Output(IWorkerProcess process) =>
        process.RecentOutput is { Length: > 0 } output ? "; its last output:\n" + output : "";
}
