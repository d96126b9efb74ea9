using System.Buffers.Binary;
using System.Numerics;

namespace InferenceHost.Worker;

/// <summary>
/// Writes protobuf wire format (protobuf.dev, "Encoding") into a buffer that is reused: the token frame of a step is encoded without an object per token.
/// Nested messages are written behind a length of fixed width (five bytes), which is valid wire format and needs no second pass.
/// </summary>
internal sealed class ProtoWriter
{
    private const int LengthBytes = 5;

    private byte[] _buffer = new byte[16 * 1024];
    private int _count;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _count);

    public void Clear() => _count = 0;

    /// <summary>Leaves room for the length of the whole frame.</summary>
    public void ReserveFrameHeader()
    {
        Ensure(4);
        _count += 4;
    }

    public void WriteFrameHeader() => BinaryPrimitives.WriteInt32LittleEndian(_buffer, _count - 4);

    public void Varint(int field, ulong value)
    {
        Ensure(20);
        RawVarint((ulong)(uint)(field << 3));
        RawVarint(value);
    }

    public void Int32(int field, int value) => Varint(field, (ulong)value);

    public void Float(int field, float value)
    {
        Ensure(16);
        RawVarint((ulong)(uint)((field << 3) | 5));
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.AsSpan(_count), value);
        _count += 4;
    }

    /// <summary>An element of a packed field.</summary>
    public void RawInt32(int value)
    {
        Ensure(10);
        RawVarint((ulong)value);
    }

    /// <summary>An element of a packed field.</summary>
    public void RawFloat(float value)
    {
        Ensure(4);
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.AsSpan(_count), value);
        _count += 4;
    }

    public void Double(int field, double value)
    {
        Ensure(20);
        RawVarint((ulong)(uint)((field << 3) | 1));
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.AsSpan(_count), value);
        _count += 8;
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Ensure(20 + value.Length);
        RawVarint((ulong)(uint)((field << 3) | 2));
        RawVarint((ulong)value.Length);
        value.CopyTo(_buffer.AsSpan(_count));
        _count += value.Length;
    }

    public void PackedInt32(int field, ReadOnlySpan<int> values)
    {
        if (values.IsEmpty) return;
        var start = Open(field);
        Ensure(values.Length * 10);
        foreach (var value in values) RawVarint((ulong)value);
        Close(start);
    }

    /// <summary>Begins a nested message and returns what <see cref="Close"/> needs.</summary>
    public int Open(int field)
    {
        Ensure(10 + LengthBytes);
        RawVarint((ulong)(uint)((field << 3) | 2));
        _count += LengthBytes;
        return _count;
    }

    public void Close(int start)
    {
        var length = (uint)(_count - start);
        for (var i = 0; i < LengthBytes; i++)
        {
            _buffer[start - LengthBytes + i] = (byte)((length & 0x7F) | (i < LengthBytes - 1 ? 0x80u : 0));
            length >>= 7;
        }
    }

    private void RawVarint(ulong value)
    {
        while (value >= 0x80)
        {
            _buffer[_count++] = (byte)(value | 0x80);
            value >>= 7;
        }
        _buffer[_count++] = (byte)value;
    }

    private void Ensure(int bytes)
    {
        if (_count + bytes > _buffer.Length) Array.Resize(ref _buffer, (int)BitOperations.RoundUpToPowerOf2((uint)(_count + bytes)));
    }
}
