using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Streaming;

/// <summary>Reads protobuf wire format from a span without allocating. Every read is bounds-checked.</summary>
/// <remarks>Wire format: protobuf.dev/programming-guides/encoding.</remarks>
internal ref struct ProtoReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _at;

    /// <summary>Whether everything has been read.</summary>
    public readonly bool IsAtEnd => _at == _data.Length;

    /// <summary>Reads the next tag; false at the end.</summary>
    public bool TryReadTag(out int field, out int wireType)
    {
        if (_at == _data.Length)
        {
            field = wireType = 0;
            return false;
        }
        var tag = ReadVarint();
        field = (int)(tag >> 3);
        wireType = (int)(tag & 7);
        return true;
    }

    /// <summary>Reads a varint of up to 64 bits.</summary>
    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_at >= _data.Length)
                throw Truncated();
            var next = _data[_at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw new ProtocolException("a varint of more than 10 bytes");
    }

    /// <summary>Reads a length-delimited field's bytes.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadVarint();
        if (length > (ulong)(_data.Length - _at))
            throw Truncated();
        var bytes = _data.Slice(_at, (int)length);
        _at += (int)length;
        return bytes;
    }

    /// <summary>Skips the value of a field that is not known.</summary>
    public void Skip(int wireType)
    {
        switch (wireType)
        {
            case 0:
                ReadVarint();
                break;
            case 1:
                Move(sizeof(ulong));
                break;
            case 2:
                ReadBytes();
                break;
            case 5:
                Move(sizeof(uint));
                break;
            default:
                throw new ProtocolException($"wire type {wireType}");
        }
    }

    private void Move(int bytes)
    {
        if (bytes > _data.Length - _at)
            throw Truncated();
        _at += bytes;
    }

    private static ProtocolException Truncated() => new("a message ends in the middle of a field");
}
