namespace InferenceHost.Cli.Bench.Targets;

/// <summary>
/// Incremental parser of a <c>text/event-stream</c> (WHATWG HTML, "Server-sent events"): feed bytes as they arrive, take out the data of whole events.
/// Only <c>data</c> matters here; other fields and comments are skipped. Work is linear in the bytes, however they are cut.
/// </summary>
internal sealed class SseParser(int maxEventBytes = 16 * 1024 * 1024)
{
    private byte[] _buffer = new byte[8192];
    private int _start;
    private int _scanned;
    private int _end;
    private byte[] _data = new byte[1024];
    private int _dataLength;
    private bool _hasData;
    private bool _skipLineFeed;
    private bool _atBeginning = true;

    /// <summary>Room to read the next bytes into; call <see cref="Advance"/> afterwards.</summary>
    public Memory<byte> GetFreeSpace()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _scanned -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, Grow(_buffer.Length));
        return _buffer.AsMemory(_end);
    }

    /// <summary>Says how many bytes were written into <see cref="GetFreeSpace"/>.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>Takes out the next whole event. <paramref name="data"/> stays valid until the next call.</summary>
    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="InvalidDataException">An event or line is longer than the limit.</exception>
    public bool TryReadEvent(out ReadOnlySpan<byte> data)
    {
        if (!_hasData) _dataLength = 0;
        while (TryReadLine(out var line))
        {
            if (line.IsEmpty)
            {
                if (!_hasData) continue;
                _hasData = false;
                data = _data.AsSpan(0, _dataLength);
                return true;
            }
            if (line.StartsWith("data"u8)) TakeDataLine(line[4..]);
        }
        data = default;
        return false;
    }

    private void TakeDataLine(ReadOnlySpan<byte> rest)
    {
        if (!rest.IsEmpty && rest[0] != (byte)':') return;
        if (!rest.IsEmpty) rest = rest[1..];
        if (!rest.IsEmpty && rest[0] == (byte)' ') rest = rest[1..];
        var needed = _dataLength + rest.Length + 1;
        while (needed > _data.Length) Array.Resize(ref _data, Grow(_data.Length));
        if (_hasData) _data[_dataLength++] = (byte)'\n';
        else _dataLength = 0;
        rest.CopyTo(_data.AsSpan(_dataLength));
        _dataLength += rest.Length;
        _hasData = true;
    }

    // A line ends with LF, CR, or CR LF; a CR at the end of what has arrived ends its line at once and swallows an LF that follows.
    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        if (_skipLineFeed && _start < _end)
        {
            if (_buffer[_start] == (byte)'\n') _scanned = Math.Max(_scanned, ++_start);
            _skipLineFeed = false;
        }
        var at = _buffer.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\r', (byte)'\n');
        if (at < 0)
        {
            _scanned = _end;
            line = default;
            return false;
        }
        var stop = _scanned + at;
        line = _buffer.AsSpan(_start, stop - _start);
        if (_atBeginning)
        {
            _atBeginning = false;
            if (line.StartsWith("\uFEFF"u8)) line = line[3..];
        }
        _skipLineFeed = _buffer[stop] == (byte)'\r';
        _start = _scanned = stop + 1;
        return true;
    }

    private int Grow(int length) => length < maxEventBytes
        ? Math.Min(length * 2, maxEventBytes)
        : throw new InvalidDataException($"an event of the stream is longer than {maxEventBytes} bytes");
}
