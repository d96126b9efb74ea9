using System.Buffers.Binary;
using System.Text;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>Writes a GGUF file of version 3. The same calls give the same bytes.</summary>
public sealed class GgufWriter
{
    private const int Alignment = 32;
    private readonly List<byte[]> _values = [];
    private readonly List<(string Name, long[] Dimensions, GgmlType Type, ReadOnlyMemory<byte> Data)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Adds a string.</summary>
    public GgufWriter Add(string key, string value) => AddValue(key, GgufValueType.String, Text(value));

    /// <summary>Adds a UInt32.</summary>
    public GgufWriter Add(string key, uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return AddValue(key, GgufValueType.UInt32, bytes);
    }

    /// <summary>Adds a Float32.</summary>
    public GgufWriter Add(string key, float value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        return AddValue(key, GgufValueType.Float32, bytes);
    }

    /// <summary>Adds a value of another file as it stands there.</summary>
    public GgufWriter Add(GgufFile source, GgufValue value)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(value);
        var payload = source.Bytes(value.Offset, checked((int)value.ByteLength));
        if (!value.IsArray)
            return AddValue(value.Key, value.Type, payload.ToArray());
        var head = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)value.ElementType);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(4), (ulong)value.Count);
        return AddValue(value.Key, value.Type, [.. head, .. payload]);
    }

    /// <summary>Adds a tensor; dimensions in ggml order, the contiguous one first.</summary>
    /// <exception cref="ArgumentException">The name is taken or too long, or the data does not fit the shape.</exception>
    public GgufWriter AddTensor(string name, IReadOnlyList<long> dimensions, GgmlType type, ReadOnlyMemory<byte> data)
    {
        ArgumentNullException.ThrowIfNull(dimensions);
        var elements = dimensions.Aggregate(1L, (a, b) => checked(a * b));
        if (Encoding.UTF8.GetByteCount(name) > GgufLimits.MaxTensorNameBytes || !_names.Add(name))
            throw new ArgumentException($"tensor name '{name}' is taken or too long", nameof(name));
        if (elements / GgmlTypes.BlockElements(type) * GgmlTypes.BlockBytes(type) != data.Length)
            throw new ArgumentException($"tensor '{name}' of {elements} elements has {data.Length} bytes", nameof(data));
        _tensors.Add((name, [.. dimensions], type, data));
        return this;
    }

    /// <summary>Writes the file under a temporary name beside it and moves it into place, so that no reader sees half of it.</summary>
    /// <exception cref="ModelFileException">The file cannot be written.</exception>
    public void Write(string path)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
                WriteTo(stream);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            File.Delete(temporary);
            throw new ModelFileException(path, "file", error.Message, "a writable place", "Check permissions and free space.", null, error);
        }
    }

    /// <summary>Writes the file to a stream.</summary>
    public void WriteTo(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var head = new MemoryStream();
        var writer = new BinaryWriter(head);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_values.Count);
        foreach (var value in _values)
            writer.Write(value);
        long offset = 0;
        foreach (var (name, dimensions, type, data) in _tensors)
        {
            writer.Write(Text(name));
            writer.Write((uint)dimensions.Length);
            foreach (var n in dimensions)
                writer.Write(n);
            writer.Write((uint)type);
            writer.Write(offset);
            offset += data.Length + Padding(data.Length);
        }

        writer.Flush();
        head.WriteTo(stream);
        var zeros = new byte[Alignment];
        stream.Write(zeros, 0, Padding(head.Length));
        foreach (var (_, _, _, data) in _tensors)
        {
            stream.Write(data.Span);
            stream.Write(zeros, 0, Padding(data.Length));
        }
    }

    private GgufWriter AddValue(string key, GgufValueType type, byte[] payload)
    {
        var entry = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)type);
        _values.Add([.. Text(key), .. entry, .. payload]);
        return this;
    }

    private static byte[] Text(string text)
    {
        var bytes = new byte[8 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)bytes.Length - 8);
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(8));
        return bytes;
    }

    private static int Padding(long length) => (int)(-length & (Alignment - 1));
}
