namespace InferenceHost.ModelFiles.Gguf;

/// <summary>Place and type of one metadata value; the value itself stays in the mapped file until it is asked for.</summary>
/// <param name="Key">The key, for example <c>llama.block_count</c>.</param>
/// <param name="Type">Type of the value.</param>
/// <param name="ElementType">Type of the elements of an array; equal to <paramref name="Type"/> otherwise.</param>
/// <param name="Count">Elements of an array; 1 otherwise.</param>
/// <param name="Offset">Byte offset of the payload: of the first element, or of a string's length.</param>
/// <param name="ByteLength">Bytes of the payload.</param>
public sealed record GgufValue(string Key, GgufValueType Type, GgufValueType ElementType, int Count, long Offset, long ByteLength)
{
    /// <summary>Whether the value is an array.</summary>
    public bool IsArray => Type == GgufValueType.Array;
}
