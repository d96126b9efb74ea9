using System.Buffers.Binary;
using System.Net.Sockets;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker.Tests;

/// <summary>Two connected Unix sockets.</summary>
internal sealed class SocketPair : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"ih-{Guid.NewGuid():N}.sock");

    public SocketPair()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_path));
        listener.Listen();
        Worker = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Worker.Connect(new UnixDomainSocketEndPoint(_path));
        Server = listener.Accept();
    }

    public Socket Worker { get; }

    public Socket Server { get; }

    public List<FromWorker> ReadFrames()
    {
        using var stream = new NetworkStream(Server);
        var frames = new List<FromWorker>();
        var header = new byte[4];
        while (stream.ReadAtLeast(header, 4, throwOnEndOfStream: false) == 4)
        {
            var body = new byte[BinaryPrimitives.ReadInt32LittleEndian(header)];
            stream.ReadExactly(body);
            frames.Add(FromWorker.Parser.ParseFrom(body));
        }
        return frames;
    }

    public void Dispose()
    {
        Worker.Dispose();
        Server.Dispose();
        File.Delete(_path);
    }
}
