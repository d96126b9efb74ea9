using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>
/// Walks header, metadata and tensor list of a mapped GGUF file once, checking every length before it is used.
/// Arrays of numbers are stepped over, arrays of strings are walked; no value is copied.
/// </summary>
internal sealed unsafe class GgufParser
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const string Damaged = "The file is damaged or was not written by a GGUF converter; copy or convert it again.";
    private readonly MappedFile _file;
    private readonly long _end;
    private long _at;
    private long _arrayStrings;

    public GgufParser(MappedFile file)
    {
        _file = file;
        _end = Math.Min(file.Length, GgufLimits.MaxMetadataBytes);
    }

    public uint Version { get; private set; }

    public int Alignment { get; private set; } = 32;

    public long DataOffset { get; private set; }

    public List<GgufValue> Values { get; } = [];

    public Dictionary<string, GgufValue> ByKey { get; } = new(StringComparer.Ordinal);

    public List<GgufTensor> Tensors { get; } = [];

    public Dictionary<string, GgufTensor> ByName { get; } = new(StringComparer.Ordinal);

    public void Parse()
    {
        var (tensors, values) = ReadHeader();
        for (var i = 0; i < values; i++)
            ReadValue(i);
        ReadAlignment();
        for (var i = 0; i < tensors; i++)
            ReadTensor(i);
        DataOffset = tensors > 0 ? Pad(_at) : _at;
        PlaceTensors();
    }

    private (int Tensors, int Values) ReadHeader()
    {
        if (Read<uint>("magic") != Magic)
            throw Bad("magic", "another file type", "the bytes 'GGUF'", 0, "Only GGUF files can be loaded here.");
        Version = Read<uint>("version");
        if (Version is not (2 or 3))
        {
            var remedy = (Version & 0xFFFF) == 0 ? "The file is big-endian; convert it for a little-endian machine."
                : "Convert the model with a current converter.";
            throw Bad("version", $"{Version}", "2 or 3", 4, remedy);
        }

        var tensors = ReadCount("tensor count", GgufLimits.MaxTensors);
        return (tensors, ReadCount("key/value count", GgufLimits.MaxKeyValues));
    }

    private void ReadValue(int index)
    {
        var start = _at;
        var key = ReadName($"key {index}", GgufLimits.MaxKeyBytes);
        var type = ReadType(key);
        var element = type;
        var count = 1;
        if (type == GgufValueType.Array)
        {
            element = ReadType(key);
            if (element == GgufValueType.Array)
                throw Bad(key, "an array of arrays", "an array of numbers, booleans or strings", _at - 4, Damaged);
            count = ReadCount(key, element == GgufValueType.String ? GgufLimits.MaxArrayStrings : GgufLimits.MaxArrayElements);
        }

        var payload = _at;
        SkipPayload(key, type, element, count);
        var value = new GgufValue(key, type, element, count, payload, _at - payload);
        if (!ByKey.TryAdd(key, value))
            throw Bad(key, "the same key twice", "each key once", start, Damaged);
        Values.Add(value);
    }

    private void SkipPayload(string key, GgufValueType type, GgufValueType element, int count)
    {
        if (element == GgufValueType.String)
        {
            if (type == GgufValueType.Array && (_arrayStrings += count) > GgufLimits.MaxArrayStrings)
                throw Bad(key, $"{_arrayStrings} strings in arrays so far", $"at most {GgufLimits.MaxArrayStrings}", _at, Damaged);
            for (var i = 0; i < count; i++)
                SkipString(key);
            return;
        }

        var size = ElementBytes(element);
        Skip(key, (long)size * count);
        if (element != GgufValueType.Bool)
            return;
        var bad = _file.Span(_at - count, count).IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (bad >= 0)
            throw Bad(key, "a boolean other than 0 or 1", "0 or 1", _at - count + bad, Damaged);
    }

    private void ReadAlignment()
    {
        if (!ByKey.TryGetValue("general.alignment", out var value))
            return;
        if (value.Type != GgufValueType.UInt32)
            throw Bad(value.Key, $"type {value.Type}", "type UInt32", value.Offset, Damaged);
        var alignment = Unsafe.ReadUnaligned<uint>(_file.Start + value.Offset);
        if (alignment is < GgufLimits.MinAlignment or > GgufLimits.MaxAlignment || (alignment & (alignment - 1)) != 0)
            throw Bad(value.Key, $"{alignment}", $"a power of two, {GgufLimits.MinAlignment} to {GgufLimits.MaxAlignment}", value.Offset,
                Damaged);
        Alignment = (int)alignment;
    }

    private void ReadTensor(int index)
    {
        var start = _at;
        var name = ReadName($"tensor {index} name", GgufLimits.MaxTensorNameBytes);
        var rank = Read<uint>(name);
        if (rank is 0 or > GgufLimits.MaxDimensions)
            throw Bad(name, $"{rank} dimensions", $"1 to {GgufLimits.MaxDimensions}", _at - 4, Damaged);
        Span<long> ne = [1, 1, 1, 1];
        long elements = 1;
        for (var i = 0; i < rank; i++)
        {
            var n = Read<long>(name);
            if (n < 1 || elements > long.MaxValue / 16 / n)
                throw Bad(name, $"dimension {i} = {n}", "at least 1, and no more than 2^59 elements in all", _at - 8, Damaged);
            ne[i] = n;
            elements *= n;
        }

        var number = Read<uint>(name);
        if (!GgmlTypes.TryGetBlock(number, out var blockElements, out var blockBytes))
            throw Bad(name, $"tensor type {number}", "a type number of ggml (0..42, not a withdrawn one)", _at - 4,
                "Convert the model with a converter of the engine's version.");
        if (ne[0] % blockElements != 0)
            throw Bad(name, $"{ne[0]} elements a row", $"a multiple of {blockElements} for {(GgmlType)number}", start, Damaged);
        var bytes = elements / blockElements * blockBytes;
        var offset = Read<long>(name);
        var tensor = new GgufTensor(name, (GgmlType)number, (int)rank, ne[0], ne[1], ne[2], ne[3], offset, bytes, start);
        if (!ByName.TryAdd(name, tensor))
            throw Bad(name, "the same tensor name twice", "each name once", start, Damaged);
        Tensors.Add(tensor);
    }

    // The engine wants the tensors packed in the order of the list, each padded to the alignment; that rules out overlaps too.
    private void PlaceTensors()
    {
        long expected = 0;
        long end = DataOffset;
        for (var i = 0; i < Tensors.Count; i++)
        {
            var tensor = Tensors[i];
            if (tensor.Offset != expected)
                throw Bad(tensor.Name, $"data offset {tensor.Offset}", $"{expected} (tensors follow one another without gap or overlap)",
                    tensor.HeaderOffset, Damaged);
            if (tensor.ByteLength > _file.Length - DataOffset - expected)
            {
                throw Bad(tensor.Name, $"{tensor.ByteLength} bytes of data from byte {DataOffset + expected}",
                    $"an end within the file of {_file.Length} bytes",
                    tensor.HeaderOffset, "The file is cut off; copy it again.");
            }

            var placed = tensor with { Offset = DataOffset + expected };
            Tensors[i] = placed;
            ByName[tensor.Name] = placed;
            end = placed.Offset + placed.ByteLength;
            expected = Pad(end) - DataOffset;
        }

        CheckTail(Math.Min(Pad(end), _file.Length));
    }

    private void CheckTail(long end)
    {
        var trailing = _file.Length - end;
        if (trailing > GgufLimits.MaxTrailingBytes || (trailing > 0 && _file.Span(end, (int)trailing).IndexOfAnyExcept((byte)0) >= 0))
            throw Bad("file length", $"{_file.Length} bytes", $"{end} bytes (the end of the last tensor)", end,
                "The header does not describe the whole file; copy it again.");
    }

    private long Pad(long offset) => (offset + Alignment - 1) & -Alignment;

    private string ReadName(string field, int maxBytes)
    {
        var length = Read<ulong>(field);
        if (length == 0 || length > (ulong)maxBytes)
            throw Bad(field, $"{length} bytes", $"1 to {maxBytes} bytes", _at - 8, Damaged);
        Need(field, (long)length);
        var bytes = new ReadOnlySpan<byte>(_file.Start + _at, (int)length);
        if (!Utf8.IsValid(bytes) || bytes.Contains((byte)0))
            throw Bad(field, "a name that is not text", "UTF-8 without zero bytes", _at, Damaged);
        _at += (long)length;
        return Encoding.UTF8.GetString(bytes);
    }

    private GgufValueType ReadType(string key)
    {
        var type = Read<uint>(key);
        if (type > (uint)GgufValueType.Float64)
            throw Bad(key, $"value type {type}", "0 to 12", _at - 4, Damaged);
        return (GgufValueType)type;
    }

    private int ReadCount(string field, int max)
    {
        var count = Read<ulong>(field);
        if (count > (ulong)max)
            throw Bad(field, count.ToString(CultureInfo.InvariantCulture), $"at most {max}", _at - 8, Damaged);
        return (int)count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipString(string key)
    {
        var length = Read<ulong>(key);
        if (length > GgufLimits.MaxStringBytes)
            throw Bad(key, $"a string of {length} bytes", $"at most {GgufLimits.MaxStringBytes} bytes", _at - 8, Damaged);
        Skip(key, (long)length);
    }

    private void Skip(string field, long bytes)
    {
        Need(field, bytes);
        _at += bytes;
    }

    private T Read<T>(string field)
        where T : unmanaged
    {
        Need(field, sizeof(T));
        var value = Unsafe.ReadUnaligned<T>(_file.Start + _at);
        _at += sizeof(T);
        return value;
    }

    private void Need(string field, long bytes)
    {
        if (bytes <= _end - _at)
            return;
        var allowed = _end < _file.Length ? $"metadata of at most {_end} bytes" : $"{_file.Length - _at} bytes, the rest of the file";
        throw Bad(field, $"a value of {bytes} bytes", allowed, _at, "The file is cut off or damaged; copy it again.");
    }

    internal static int ElementBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        _ => 8,
    };

    private ModelFileException Bad(string field, string found, string allowed, long offset, string remedy) =>
        new(_file.Path, field, found, allowed, remedy, offset);
}
