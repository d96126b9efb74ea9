using System.Buffers;
using System.Buffers.Binary;

namespace InferenceHost.Server.Supervision;

/// <summary>
/// Cuts a byte stream into frames: a 4-byte little-endian length, then that many bytes. Owned by one reader; grows to the largest frame seen and
/// shrinks back when it was far larger than usual.
/// </summary>
internal sealed class FrameBuffer : IDisposable
{
    /// <summary>Bytes of the longest frame either side may send.</summary>
    public const int MaxFrameBytes = InferenceHost.Protocol.WorkerProtocol.MaxFrameBytes;

    /// <summary>Bytes of the length in front of a frame.</summary>
    public const int HeaderBytes = 4;

    private const int UsualBytes = 64 * 1024;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(UsualBytes);
    private int _start;
    private int _end;

    /// <summary>Where the next received bytes go; never empty. Frames taken before are no longer valid afterwards.</summary>
    public Span<byte> Writable()
    {
        if (_start == _end)
            _start = _end = 0;
        var wanted = HeaderBytes + (_end - _start >= HeaderBytes ? FrameLength() : 0);
        if (_start > 0 && (_end == _buffer.Length || _start + wanted > _buffer.Length))
            Compact();
        if (wanted > _buffer.Length)
            Resize(wanted);
        else if (_end == 0 && _buffer.Length > 16 * UsualBytes)
            Resize(UsualBytes);
        return _buffer.AsSpan(_end);
    }

    /// <summary>Says how many bytes were put into <see cref="Writable"/>.</summary>
    public void Advance(int bytes) => _end += bytes;

    /// <summary>Takes the next whole frame; valid until <see cref="Writable"/> is called.</summary>
    /// <exception cref="ProtocolException">The length is above <see cref="MaxFrameBytes"/>.</exception>
    public bool TryTake(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        if (_end - _start < HeaderBytes)
            return false;
        var length = FrameLength();
        if (_end - _start - HeaderBytes < length)
            return false;
        frame = _buffer.AsSpan(_start + HeaderBytes, length);
        _start += HeaderBytes + length;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    private int FrameLength()
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));
        return length <= MaxFrameBytes
            ? (int)length
            : throw new ProtocolException($"frame of {length} bytes; at most {MaxFrameBytes} are allowed");
    }

    private void Compact()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
    }

    private void Resize(int bytes)
    {
        var larger = ArrayPool<byte>.Shared.Rent(bytes);
        _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _end, _start) = (larger, _end - _start, 0);
    }
}
