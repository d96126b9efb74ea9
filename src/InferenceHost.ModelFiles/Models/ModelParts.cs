using System.Globalization;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Models;

/// <summary>
/// The file or files of one model: a model may be split into <c>name-00001-of-00003.gguf</c> and so on, the first of which holds all
/// metadata.
/// </summary>
internal sealed class ModelParts : IDisposable
{
    private const int MaxParts = 512;
    private readonly List<GgufFile> _files = [];
    private readonly Dictionary<string, (GgufTensor Tensor, GgufFile File)> _tensors = new(StringComparer.Ordinal);

    /// <summary>The file that holds the metadata.</summary>
    public GgufFile Head => _files[0];

    /// <summary>All files in order.</summary>
    public IReadOnlyList<GgufFile> Files => _files;

    /// <summary>All tensors of all files.</summary>
    public IEnumerable<GgufTensor> Tensors => _files.SelectMany(f => f.Tensors);

    /// <summary>Opens the model that starts with this file.</summary>
    public static ModelParts Open(string path)
    {
        var parts = new ModelParts();
        try
        {
            parts._files.Add(GgufFile.Open(path));
            var count = ReadCount(parts.Head);
            for (var i = 1; i < count; i++)
                parts._files.Add(OpenPart(path, i, count));
            parts.Index(count);
            return parts;
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    public bool TryGet(string name, out GgufTensor tensor)
    {
        var found = _tensors.TryGetValue(name, out var entry);
        tensor = entry.Tensor!;
        return found;
    }

    public GgufFile FileOf(string name) => _tensors.TryGetValue(name, out var entry) ? entry.File : Head;

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private static int ReadCount(GgufFile head)
    {
        if (!ReadUInt16(head, "split.count", out var count) || count <= 1)
            return 1;
        ReadUInt16(head, "split.no", out var number);
        if (number != 0 || count > MaxParts)
        {
            throw new ModelFileException(head.Path, number != 0 ? "split.no" : "split.count", $"part {number} of {count}",
                $"part 0 of at most {MaxParts}",
                "Name the first part (-00001-of-...) of the model.");
        }

        return count;
    }

    private static GgufFile OpenPart(string path, int index, int count)
    {
        var ending = Ending(0, count);
        if (!path.EndsWith(ending, StringComparison.Ordinal))
            throw new ModelFileException(path, "file name", Path.GetFileName(path), $"a name ending in {ending}",
                "Keep the names of the parts as they were published.");
        var part = GgufFile.Open(path[..^ending.Length] + Ending(index, count));
        if (ReadUInt16(part, "split.no", out var number) && number == index)
            return part;
        using (part)
            throw new ModelFileException(part.Path, "split.no", $"{number}", $"{index}", "The parts were mixed up; copy them again.");
    }

    private static string Ending(int index, int count) => string.Create(CultureInfo.InvariantCulture,
        $"-{index + 1:D5}-of-{count:D5}.gguf");

    private static bool ReadUInt16(GgufFile file, string key, out int number)
    {
        number = 0;
        if (!file.TryGetValue(key, out var value))
            return false;
        if (value.Type != GgufValueType.UInt16)
            throw new ModelFileException(file.Path, key, $"type {value.Type}", "type UInt16", "Split the model again.", value.Offset);
        file.TryGetInteger(key, out var wide);
        number = (int)wide;
        return true;
    }

    private void Index(int count)
    {
        foreach (var file in _files)
        {
            foreach (var tensor in file.Tensors)
            {
                if (!_tensors.TryAdd(tensor.Name, (tensor, file)))
                    throw new ModelFileException(file.Path, tensor.Name, "a tensor that another part holds too", "each tensor once",
                        "Split the model again.", tensor.HeaderOffset);
            }
        }

        if (count > 1 && Head.TryGetInteger("split.tensors.count", out var tensors) && tensors != _tensors.Count)
            throw new ModelFileException(Head.Path, "split.tensors.count", $"{tensors}", $"{_tensors.Count}, the tensors of all parts",
                "A part is missing or from another model.");
    }
}
