using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using InferenceHost.Protocol;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker;

/// <summary>
/// The engine process: connects to the server's socket, obeys its frames, and ends at once when the server is gone, even while native code hangs.
/// </summary>
internal static class WorkerProcess
{
    private static readonly TimeSpan HeartbeatPeriod = TimeSpan.FromSeconds(1);

    public static int Run(string socketPath)
    {
        // Ctrl-C in a terminal reaches the whole process group; the server alone decides when this process ends.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, static signal => signal.Cancel = true);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(socketPath));
        var link = new ServerLink(socket);
        link.Send(new FromWorker { Hello = new Hello { ProcessId = Environment.ProcessId, ProtocolVersion = WorkerProtocol.Version } });
        var host = new EngineHost(link);
        new Thread(() => Beat(link, host)) { IsBackground = true, Name = "heartbeat" }.Start();
        try
        {
            while (link.TryReceive(out var message)) host.Handle(message);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            Console.Error.WriteLine($"the connection to the server failed: {e.Message}");
        }
        // The server is gone. Native code may be in the middle of a step: nothing waits for it.
        Process.GetCurrentProcess().Kill();
        return 1;
    }

    private static void Beat(ServerLink link, EngineHost host)
    {
        var frame = new FromWorker { Heartbeat = new Heartbeat() };
        while (true)
        {
            Thread.Sleep(HeartbeatPeriod);
            frame.Heartbeat.Steps = host.Loop?.Steps ?? 0;
            frame.Heartbeat.StepAgeMs = (long)(host.Loop?.StepAge ?? TimeSpan.Zero).TotalMilliseconds;
            link.Send(frame);
        }
    }
}
