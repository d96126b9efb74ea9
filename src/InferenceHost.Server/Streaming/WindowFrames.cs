using System.Buffers;
using System.Buffers.Binary;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// Reads along what a client sends and picks out the frames that open windows (RFC 9113, 4.1, 6.5, 6.9). Sees every byte once, in any pieces. Whether the
/// bytes are good HTTP/2 is for Kestrel to say, which ends the connection where they are not.
/// </summary>
internal sealed class WindowFrames(ConnectionWindows windows)
{
    private const int PrefaceBytes = 24;
    private const int HeaderBytes = 9;
    private const int Settings = 4;
    private const int WindowUpdate = 8;
    private const int InitialWindowSize = 4;
    private const int SettingBytes = 6;
    private readonly byte[] _collected = new byte[HeaderBytes];
    private int _collectedBytes;
    private long _skip = PrefaceBytes;
    private int _type;
    private int _streamId;
    private int _payloadLeft;

    /// <summary>Reads the next bytes.</summary>
    public void Read(ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
            Read(segment.Span);
    }

    private void Read(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_skip > 0)
            {
                var skipped = (int)Math.Min(_skip, bytes.Length);
                _skip -= skipped;
                bytes = bytes[skipped..];
                continue;
            }
            var wanted = _payloadLeft == 0 ? HeaderBytes : _type == Settings ? SettingBytes : sizeof(int);
            var taken = Math.Min(wanted - _collectedBytes, bytes.Length);
            bytes[..taken].CopyTo(_collected.AsSpan(_collectedBytes));
            _collectedBytes += taken;
            bytes = bytes[taken..];
            if (_collectedBytes < wanted)
                return;
            _collectedBytes = 0;
            if (_payloadLeft == 0)
                BeginFrame();
            else
                ReadPayload(wanted);
        }
    }

    private void BeginFrame()
    {
        var length = (_collected[0] << 16) | (_collected[1] << 8) | _collected[2];
        _type = _collected[3];
        _streamId = BinaryPrimitives.ReadInt32BigEndian(_collected.AsSpan(5)) & int.MaxValue;
        if ((_type == Settings && length % SettingBytes == 0) || (_type == WindowUpdate && length == sizeof(int)))
            _payloadLeft = length;
        else
            _skip = length;
    }

    private void ReadPayload(int bytes)
    {
        _payloadLeft -= bytes;
        if (_type == WindowUpdate)
            windows.Opened(_streamId, BinaryPrimitives.ReadInt32BigEndian(_collected) & int.MaxValue);
        else if (BinaryPrimitives.ReadUInt16BigEndian(_collected) == InitialWindowSize)
            windows.SetInitialWindow(BinaryPrimitives.ReadUInt32BigEndian(_collected.AsSpan(2)));
    }
}
