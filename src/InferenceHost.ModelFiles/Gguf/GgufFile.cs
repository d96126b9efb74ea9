using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>
/// A GGUF file (version 2 or 3), memory-mapped. Opening checks the whole header: counts, lengths, types, names, alignment,
/// placement of the tensors and the file's length. Values and tensor data are read where they lie.
/// The main entries of this library are <see cref="Open"/>, <c>Models.ModelValidator.Validate(path)</c>,
/// <c>Lora.LoraValidator.Validate(adapterPath, modelPath)</c>, <c>Models.ModelSummary.Read(path)</c>,
/// <c>Models.GgufVocabulary.Read(file)</c>, <c>Lora.PeftImporter.Import(...)</c> and <c>Catalogue.ModelCatalogue.Scan(folder)</c>.
/// </summary>
/// <remarks>Safe for concurrent readers. Spans point into the mapping: they end with <see cref="Dispose"/>.</remarks>
public sealed unsafe class GgufFile : IDisposable
{
    // Magic, version and two counts.
    private const int HeaderBytes = 24;
    private readonly MappedFile _file;
    private readonly Dictionary<string, GgufValue> _values;
    private readonly Dictionary<string, GgufTensor> _tensors;

    private GgufFile(MappedFile file, GgufParser parser)
    {
        _file = file;
        _values = parser.ByKey;
        _tensors = parser.ByName;
        Version = parser.Version;
        Alignment = parser.Alignment;
        DataOffset = parser.DataOffset;
        Values = parser.Values;
        Tensors = parser.Tensors;
    }

    /// <summary>Path the file was opened with.</summary>
    public string Path => _file.Path;

    /// <summary>Length of the file in bytes.</summary>
    public long Length => _file.Length;

    /// <summary>Format version, 2 or 3.</summary>
    public uint Version { get; }

    /// <summary>Alignment of tensor data in bytes.</summary>
    public int Alignment { get; }

    /// <summary>Absolute byte offset of the tensor data.</summary>
    public long DataOffset { get; }

    /// <summary>Metadata in file order.</summary>
    public IReadOnlyList<GgufValue> Values { get; }

    /// <summary>Tensors in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="ModelFileException">The file cannot be read or is malformed.</exception>
    public static GgufFile Open(string path)
    {
        var file = MappedFile.Open(path, HeaderBytes);
        try
        {
            var parser = new GgufParser(file);
            parser.Parse();
            return new GgufFile(file, parser);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Looks a key up.</summary>
    public bool TryGetValue(string key, [NotNullWhen(true)] out GgufValue? value) => _values.TryGetValue(key, out value);

    /// <summary>Looks a tensor up.</summary>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    /// <summary>A UInt32 value; false where the key is absent.</summary>
    /// <exception cref="ModelFileException">The key has another type.</exception>
    public bool TryGetUInt32(string key, out uint number)
    {
        number = 0;
        if (!Find(key, GgufValueType.UInt32, out var value))
            return false;
        number = Unsafe.ReadUnaligned<uint>(_file.Start + value.Offset);
        return true;
    }

    /// <summary>A Float32 value; false where the key is absent.</summary>
    /// <exception cref="ModelFileException">The key has another type.</exception>
    public bool TryGetSingle(string key, out float number)
    {
        number = 0;
        if (!Find(key, GgufValueType.Float32, out var value))
            return false;
        number = Unsafe.ReadUnaligned<float>(_file.Start + value.Offset);
        return true;
    }

    /// <summary>A boolean; false where the key is absent.</summary>
    /// <exception cref="ModelFileException">The key has another type.</exception>
    public bool TryGetBoolean(string key, out bool flag)
    {
        flag = false;
        if (!Find(key, GgufValueType.Bool, out var value))
            return false;
        flag = _file.Start[value.Offset] != 0;
        return true;
    }

    /// <summary>A string; false where the key is absent.</summary>
    /// <exception cref="ModelFileException">The key has another type or is not UTF-8.</exception>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (!Find(key, GgufValueType.String, out var value))
            return false;
        var bytes = _file.Span(value.Offset + 8, (int)(value.ByteLength - 8));
        if (!Utf8.IsValid(bytes))
            throw new ModelFileException(Path, key, "bytes that are not UTF-8", "UTF-8 text", "The file is damaged; copy it again.",
                value.Offset + 8);
        text = Encoding.UTF8.GetString(bytes);
        return true;
    }

    /// <summary>An integer of any width, scalar only; false where the key is absent.</summary>
    /// <exception cref="ModelFileException">The key is no integer, or above 2^63-1.</exception>
    public bool TryGetInteger(string key, out long number)
    {
        number = 0;
        if (!_values.TryGetValue(key, out var value))
            return false;
        var at = _file.Start + value.Offset;
        number = value.Type switch
        {
            GgufValueType.UInt8 => *at,
            GgufValueType.Int8 => (sbyte)*at,
            GgufValueType.UInt16 => Unsafe.ReadUnaligned<ushort>(at),
            GgufValueType.Int16 => Unsafe.ReadUnaligned<short>(at),
            GgufValueType.UInt32 => Unsafe.ReadUnaligned<uint>(at),
            GgufValueType.Int32 => Unsafe.ReadUnaligned<int>(at),
            GgufValueType.Int64 => Unsafe.ReadUnaligned<long>(at),
            GgufValueType.UInt64 when Unsafe.ReadUnaligned<ulong>(at) <= long.MaxValue => Unsafe.ReadUnaligned<long>(at),
            _ => throw WrongType(value, "an integer"),
        };
        return true;
    }

    /// <summary>Elements of an array of numbers, in the mapping. <typeparamref name="T"/> must have the size of an element.</summary>
    /// <exception cref="ModelFileException">The value is no array of numbers of that size.</exception>
    public ReadOnlySpan<T> Numbers<T>(GgufValue value)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!value.IsArray || value.ElementType == GgufValueType.String || GgufParser.ElementBytes(value.ElementType) != sizeof(T))
            throw WrongType(value, $"an array of {sizeof(T)}-byte numbers");
        return MemoryMarshal.CreateReadOnlySpan(ref Unsafe.AsRef<T>(_file.Start + value.Offset), value.Count);
    }

    /// <summary>Walks the strings of an array without copying them.</summary>
    /// <exception cref="ModelFileException">The value is no array of strings.</exception>
    public GgufStrings Strings(GgufValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!value.IsArray || value.ElementType != GgufValueType.String)
            throw WrongType(value, "an array of strings");
        return new GgufStrings(_file.Start + value.Offset, value.Count);
    }

    /// <summary>A part of a tensor's bytes, in the mapping.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the tensor.</exception>
    public ReadOnlySpan<byte> TensorBytes(GgufTensor tensor, long start, int length)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.ByteLength - length);
        return _file.Span(tensor.Offset + start, length);
    }

    /// <summary>Releases the mapping.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Bytes of the file, in the mapping; for readers of this library.</summary>
    internal ReadOnlySpan<byte> Bytes(long offset, int length) => _file.Span(offset, length);

    private bool Find(string key, GgufValueType type, [NotNullWhen(true)] out GgufValue? value)
    {
        if (!_values.TryGetValue(key, out value))
            return false;
        return value.Type == type ? true : throw WrongType(value, $"type {type}");
    }

    private ModelFileException WrongType(GgufValue value, string allowed)
    {
        var found = value.IsArray ? $"an array of {value.Count} {value.ElementType}" : $"type {value.Type}";
        return new ModelFileException(Path, value.Key, found, allowed, "Convert the model again.", value.Offset);
    }
}
