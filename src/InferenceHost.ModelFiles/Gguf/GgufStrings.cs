using System.Runtime.CompilerServices;

namespace InferenceHost.ModelFiles.Gguf;

/// <summary>Forward walk over the strings of an array, as raw bytes in the mapping. Lengths were checked when the file was
/// opened.</summary>
public unsafe ref struct GgufStrings
{
    private readonly int _count;
    private readonly byte* _first;
    private byte* _next;

    internal GgufStrings(byte* first, int count)
    {
        _first = first;
        _next = first;
        _count = count;
        Index = -1;
    }

    /// <summary>Position of <see cref="Current"/>, from 0.</summary>
    public int Index { get; private set; }

    /// <summary>Bytes of the string at <see cref="Index"/>; often, but not always, UTF-8.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Bytes from the first string's length field to <see cref="Current"/>; identifies a string cheaply.</summary>
    public readonly long CurrentOffset => _next - _first - Current.Length;

    /// <summary>Number of strings.</summary>
    public readonly int Count => _count;

    /// <summary>This walk, for <c>foreach</c>.</summary>
    public readonly GgufStrings GetEnumerator() => this;

    /// <summary>Steps to the next string.</summary>
    public bool MoveNext()
    {
        if (Index + 1 >= _count)
            return false;
        Index++;
        var length = (int)Unsafe.ReadUnaligned<ulong>(_next);
        Current = new ReadOnlySpan<byte>(_next + 8, length);
        _next += 8 + length;
        return true;
    }
}
