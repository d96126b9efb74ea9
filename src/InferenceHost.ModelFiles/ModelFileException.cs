using System.Globalization;

namespace InferenceHost.ModelFiles;

/// <summary>
/// The one error of this library: a file that is malformed, does not fit its base model, or cannot be served.
/// The message names the file, the field, the byte offset, what was found, what is allowed and what to do about it.
/// </summary>
public sealed class ModelFileException : Exception
{
    /// <summary>Describes one refused file.</summary>
    /// <param name="path">The refused file.</param>
    /// <param name="field">The offending field: a metadata key, a tensor name, or a part of the header.</param>
    /// <param name="found">What the file holds.</param>
    /// <param name="allowed">What would have been accepted.</param>
    /// <param name="remedy">What the operator can do.</param>
    /// <param name="offset">Byte offset of the field in the file, where it is known.</param>
    /// <param name="inner">The input/output error behind it, if any.</param>
    public ModelFileException(string path, string field, string found, string allowed, string remedy, long? offset = null,
        Exception? inner = null)
        : base(Compose(path, field, found, allowed, remedy, offset), inner)
    {
        Path = path;
        Field = field;
        Found = found;
        Allowed = allowed;
        Remedy = remedy;
        Offset = offset;
    }

    /// <summary>The refused file.</summary>
    public string Path { get; }

    /// <summary>Whether there is no such file.</summary>
    public bool IsMissing => InnerException is FileNotFoundException or DirectoryNotFoundException;

    /// <summary>The offending field: a metadata key, a tensor name, or a part of the header.</summary>
    public string Field { get; }

    /// <summary>Byte offset of the field in the file; null where the whole file or a missing field is meant.</summary>
    public long? Offset { get; }

    /// <summary>What the file holds.</summary>
    public string Found { get; }

    /// <summary>What would have been accepted.</summary>
    public string Allowed { get; }

    /// <summary>What the operator can do.</summary>
    public string Remedy { get; }

    private static string Compose(string path, string field, string found, string allowed, string remedy, long? offset)
    {
        var at = offset is { } value ? string.Create(CultureInfo.InvariantCulture, $" at byte {value}") : "";
        return $"{System.IO.Path.GetFileName(path)}: {field}{at}: found {found}; allowed: {allowed}. {remedy}";
    }
}
