using System.Buffers.Binary;
using System.Text.Json;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>A safetensors file, memory-mapped: an 8-byte header length, a JSON header, and the tensors packed without gaps.</summary>
internal sealed class SafetensorsFile : IDisposable
{
    private const int MaxHeaderBytes = 16 << 20;
    private const string Damaged = "The file is damaged or cut off; copy it again.";
    private readonly MappedFile _file;

    private SafetensorsFile(MappedFile file, IReadOnlyList<Tensor> tensors)
    {
        _file = file;
        Tensors = tensors;
    }

    public string Path => _file.Path;

    /// <summary>Tensors in ordinal order of their names.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <exception cref="ModelFileException">The file cannot be read or is malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path, 10);
        try
        {
            var size = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, 8));
            if (size is < 2 or > MaxHeaderBytes || size > (ulong)file.Length - 8)
                throw new ModelFileException(path, "header length", $"{size}", $"2 to {Math.Min(MaxHeaderBytes, file.Length - 8)}",
                    Damaged, 0);
            var tensors = ParseHeader(file, file.Span(8, (int)size).ToArray(), 8 + (long)size);
            return new SafetensorsFile(file, tensors);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public byte[] Read(Tensor tensor) => _file.Span(tensor.Offset, tensor.ByteLength).ToArray();

    public void Dispose() => _file.Dispose();

    private static List<Tensor> ParseHeader(MappedFile file, byte[] header, long dataStart)
    {
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("the header is no object");
            var tensors = new List<Tensor>();
            foreach (var entry in json.RootElement.EnumerateObject())
            {
                if (entry.Name != "__metadata__")
                    tensors.Add(ParseTensor(file, entry, dataStart));
            }

            CheckPacking(file, tensors, dataStart);
            tensors.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return tensors;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new ModelFileException(file.Path, "header", error.Message, "a safetensors header", Damaged, 8, error);
        }
    }

    private static Tensor ParseTensor(MappedFile file, JsonProperty entry, long dataStart)
    {
        var type = entry.Value.GetProperty("dtype").GetString() switch
        {
            "F16" => GgmlType.F16,
            "BF16" => GgmlType.BF16,
            "F32" => GgmlType.F32,
            var other => throw new ModelFileException(file.Path, entry.Name, $"type {other}", "F16, BF16 or F32",
                "Save the adapter in one of these types.", 8),
        };
        var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32()).ToArray();
        var offsets = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(n => n.GetInt64()).ToArray();
        long bytes = type == GgmlType.F32 ? 4 : 2;
        foreach (var n in shape)
            bytes = n is > 0 and <= 1 << 28 && bytes <= int.MaxValue / n ? bytes * n : -1;
        if (bytes < 0)
            throw new ModelFileException(file.Path, entry.Name, $"shape [{string.Join(", ", shape)}]",
                "dimensions of at least 1, less than 2 GiB in all", Damaged, 8);
        var available = file.Length - dataStart;
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[0] > available || offsets[1] - offsets[0] != bytes || offsets[1] > available)
            throw new ModelFileException(file.Path, entry.Name, $"data offsets [{string.Join(", ", offsets)}]",
                $"{bytes} bytes within 0..{available}", Damaged, 8);
        return new Tensor(entry.Name, type, shape, dataStart + offsets[0], (int)bytes);
    }

    private static void CheckPacking(MappedFile file, List<Tensor> tensors, long dataStart)
    {
        var expected = dataStart;
        foreach (var tensor in tensors.OrderBy(t => t.Offset))
        {
            if (tensor.Offset != expected)
                throw new ModelFileException(file.Path, tensor.Name, $"data at byte {tensor.Offset}",
                    $"byte {expected} (no gap, no overlap)", Damaged, tensor.Offset);
            expected += tensor.ByteLength;
        }

        if (expected != file.Length)
            throw new ModelFileException(file.Path, "file length", $"{file.Length} bytes", $"{expected} bytes", Damaged, expected);
    }

    /// <summary>One tensor; dimensions in row-major order, the contiguous one last.</summary>
    internal sealed record Tensor(string Name, GgmlType Type, int[] Shape, long Offset, int ByteLength);
}
