using System.Runtime.InteropServices;

namespace InferenceHost.Server.Hosting;

/// <summary>Runs the server: for <c>serve</c> until a signal, for tests until it is stopped.</summary>
public static class ServerHost
{
    /// <summary>
    /// Serves until SIGTERM, SIGINT or <paramref name="cancellation"/>, then drains; a second signal ends at once. The one line written to
    /// <paramref name="output"/> says <c>ready</c> and the endpoint once requests can be served.
    /// </summary>
    /// <returns>Exit code of the process.</returns>
    /// <exception cref="StartupException">The server cannot start; has the remedy and the exit code.</exception>
    public static async Task<int> RunAsync(ServerOptions options, TextWriter output, CancellationToken cancellation)
    {
        using var first = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var second = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        RunningServer server;
        try
        {
            server = await StartAsync(options, first.Token);
        }
        catch (OperationCanceledException) when (first.IsCancellationRequested)
        {
            return 0;
        }
        await using (server)
        {
            await output.WriteLineAsync(server.ReadyLine);
            await output.FlushAsync(CancellationToken.None);
            await Task.Delay(Timeout.Infinite, first.Token).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await server.StopAsync(second.Token);
        }
        return 0;

        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            if (first.IsCancellationRequested)
                second.Cancel();
            else
                first.Cancel();
        }
    }

    /// <summary>Starts a server: listens, loads the model and its adapters, and returns when requests can be served.</summary>
    /// <exception cref="StartupException">The server cannot start; has the remedy and the exit code.</exception>
    public static Task<RunningServer> StartAsync(ServerOptions options, CancellationToken cancellation) =>
        ServerStart.StartAsync(options, new ServerSeams(), cancellation);
}
