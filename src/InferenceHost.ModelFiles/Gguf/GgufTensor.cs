using System.Globalization;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>One tensor of a file. Dimensions are in ggml order: the first is the contiguous one.</summary>
/// <param name="Name">Name, at most 63 bytes.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dimensions">Rank as stored, 1 to 4.</param>
/// <param name="Ne0">Elements of a row.</param>
/// <param name="Ne1">Rows (1 if the rank is lower).</param>
/// <param name="Ne2">Third dimension (1 if the rank is lower).</param>
/// <param name="Ne3">Fourth dimension (1 if the rank is lower).</param>
/// <param name="Offset">Absolute byte offset of the data in the file.</param>
/// <param name="ByteLength">Bytes of the data, without padding.</param>
/// <param name="HeaderOffset">Byte offset of the tensor's entry in the tensor list.</param>
public sealed record GgufTensor(
    string Name, GgmlType Type, int Dimensions, long Ne0, long Ne1, long Ne2, long Ne3, long Offset, long ByteLength, long HeaderOffset)
{
    /// <summary>Number of elements; the reader has checked that it does not overflow.</summary>
    public long Elements => Ne0 * Ne1 * Ne2 * Ne3;

    /// <summary>Whether the shape equals the given one, where missing dimensions count as 1.</summary>
    public bool HasShape(long ne0, long ne1 = 1, long ne2 = 1) => Ne0 == ne0 && Ne1 == ne1 && Ne2 == ne2 && Ne3 == 1;

    /// <summary>Shape as text, for messages: <c>576 x 1536</c>.</summary>
    public string ShapeText => string.Join(" x ", new[] { Ne0, Ne1, Ne2, Ne3 }.Take(Dimensions)
        .Select(n => n.ToString(CultureInfo.InvariantCulture)));
}
