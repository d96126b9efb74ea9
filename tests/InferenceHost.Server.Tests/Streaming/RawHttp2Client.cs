using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;

namespace InferenceHost.Server.Tests.Streaming;

/// <summary>
/// As much HTTP/2 as it takes to open a gRPC stream by hand and then misbehave (RFC 9113): settings, one request per stream, frames read as they come.
/// It never sends WINDOW_UPDATE by itself.
/// </summary>
internal sealed class RawHttp2Client : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RawHttp2Client(string endpoint, int initialWindow)
    {
        _socket.Connect(IPEndPoint.Parse(new Uri(endpoint).Authority));
        _socket.ReceiveTimeout = 30_000;
        _socket.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        var settings = new byte[6];
        // SETTINGS_INITIAL_WINDOW_SIZE
        settings[1] = 4;
        BinaryPrimitives.WriteInt32BigEndian(settings.AsSpan(2), initialWindow);
        Send(type: 4, flags: 0, stream: 0, settings);
    }

    /// <summary>Opens a stream with one message and half-closes it.</summary>
    public void Call(int stream, string path, IMessage message)
    {
        using var headers = new MemoryStream();
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
                     ("content-type", "application/grpc"), ("te", "trailers")])
        {
            // Literal header field without indexing, new name (RFC 7541, 6.2.2); everything here is shorter than 127 bytes.
            headers.WriteByte(0);
            headers.WriteByte((byte)name.Length);
            headers.Write(Encoding.ASCII.GetBytes(name));
            headers.WriteByte((byte)value.Length);
            headers.Write(Encoding.ASCII.GetBytes(value));
        }
        Send(type: 1, flags: 4, stream, headers.ToArray());
        var body = new byte[5 + message.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), body.Length - 5);
        message.WriteTo(body.AsSpan(5));
        Send(type: 0, flags: 1, stream, body);
    }

    /// <summary>Allows a stream that many bytes more.</summary>
    public void OpenWindow(int stream, int bytes)
    {
        var payload = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, bytes);
        Send(type: 8, flags: 0, stream, payload);
    }

    /// <summary>Reads frames until one of a type arrives on a stream; false where the connection ends first. Answers settings.</summary>
    public bool ReadUntil(int type, int stream)
    {
        while (ReadFrame() is { } frame)
        {
            if (frame.Type == type && frame.Stream == stream)
                return true;
        }
        return false;
    }

    public void Dispose() => _socket.Dispose();

    private (int Type, int Stream)? ReadFrame()
    {
        var header = new byte[9];
        if (!Read(header))
            return null;
        var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
        if (!Read(payload))
            return null;
        if (header[3] == 4 && (header[4] & 1) == 0)
            Send(type: 4, flags: 1, stream: 0, []);
        return (header[3], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)));
    }

    private bool Read(byte[] into)
    {
        for (var at = 0; at < into.Length;)
        {
            var read = _socket.Receive(into.AsSpan(at));
            if (read == 0)
                return false;
            at += read;
        }
        return true;
    }

    private void Send(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        _socket.Send(frame);
    }
}
