using System.Buffers.Binary;
using System.Net.Sockets;
using Google.Protobuf;
using InferenceHost.Protocol;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker;

/// <summary>Frames to and from the server. Sending is safe for any thread and never fails visibly: who cannot send will be ended by the reader.</summary>
internal sealed class ServerLink(Socket socket)
{
    private const int HeaderBytes = 4;

    private readonly Lock _sending = new();
    private byte[] _received = new byte[64 * 1024];
    private byte[] _sent = new byte[64 * 1024];

    /// <summary>Waits for the next message; false where the server has closed the connection.</summary>
    public bool TryReceive(out ToWorker message)
    {
        message = null!;
        if (!TryFill(HeaderBytes)) return false;
        var length = BinaryPrimitives.ReadInt32LittleEndian(_received);
        if (length is < 0 or > WorkerProtocol.MaxFrameBytes) throw new InvalidDataException($"a frame of {length} bytes; {WorkerProtocol.MaxFrameBytes} are allowed");
        if (_received.Length < length) _received = new byte[length];
        if (!TryFill(length)) return false;
        message = ToWorker.Parser.ParseFrom(_received, 0, length);
        return true;
    }

    /// <summary>Sends a message.</summary>
    public void Send(FromWorker message)
    {
        lock (_sending)
        {
            var length = message.CalculateSize();
            if (_sent.Length < length + HeaderBytes) _sent = new byte[length + HeaderBytes];
            message.WriteTo(_sent.AsSpan(HeaderBytes, length));
            BinaryPrimitives.WriteInt32LittleEndian(_sent, length);
            SendAll(_sent.AsSpan(0, length + HeaderBytes));
        }
    }

    /// <summary>Sends a frame that is encoded already, its length in front.</summary>
    public void SendEncoded(ReadOnlySpan<byte> frame)
    {
        lock (_sending) SendAll(frame);
    }

    /// <summary>Answers a call.</summary>
    public void Answer(ulong callId, FromWorker message)
    {
        message.CallId = callId;
        Send(message);
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[socket.Send(bytes)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The reader sees the same end and ends the process.
        }
    }

    private bool TryFill(int count)
    {
        var filled = 0;
        while (filled < count)
        {
            var read = socket.Receive(_received.AsSpan(filled, count - filled));
            if (read == 0) return false;
            filled += read;
        }
        return true;
    }
}
