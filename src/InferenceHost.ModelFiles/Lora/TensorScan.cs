using System.Numerics;
using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>One pass over a tensor's numbers: are they all zero, is one of them not finite?</summary>
internal static class TensorScan
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Whether the tensor holds a number other than zero (of a quantised tensor: a byte other than zero).</summary>
    public static bool IsZero(GgufFile file, GgufTensor tensor)
    {
        for (long at = 0; at < tensor.ByteLength; at += ChunkBytes)
        {
            var chunk = file.TensorBytes(tensor, at, (int)Math.Min(ChunkBytes, tensor.ByteLength - at));
            if (!IsZero(chunk, tensor.Type))
                return false;
        }

        return true;
    }

    /// <summary>Index of the first number that is infinite or not a number, or -1. Quantised tensors are not looked into.</summary>
    public static long FindNotFinite(GgufFile file, GgufTensor tensor)
    {
        if (tensor.Type is not (GgmlType.F32 or GgmlType.F16 or GgmlType.BF16))
            return -1;
        for (long at = 0; at < tensor.ByteLength; at += ChunkBytes)
        {
            var chunk = file.TensorBytes(tensor, at, (int)Math.Min(ChunkBytes, tensor.ByteLength - at));
            var found = tensor.Type switch
            {
                GgmlType.F32 => Find(MemoryMarshal.Cast<byte, uint>(chunk), 0x7F800000u),
                GgmlType.F16 => Find(MemoryMarshal.Cast<byte, ushort>(chunk), (ushort)0x7C00),
                _ => Find(MemoryMarshal.Cast<byte, ushort>(chunk), (ushort)0x7F80),
            };
            if (found >= 0)
                return (at / GgmlTypes.BlockBytes(tensor.Type)) + found;
        }

        return -1;
    }

    private static bool IsZero(ReadOnlySpan<byte> bytes, GgmlType type)
    {
        // Minus zero is zero too.
        return type switch
        {
            GgmlType.F32 => Masked(MemoryMarshal.Cast<byte, uint>(bytes), 0x7FFFFFFFu),
            GgmlType.F16 or GgmlType.BF16 => Masked(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7FFF),
            _ => bytes.IndexOfAnyExcept((byte)0) < 0,
        };
    }

    private static bool Masked<T>(ReadOnlySpan<T> numbers, T mask)
        where T : unmanaged, IBinaryInteger<T>
    {
        var i = 0;
        var masks = new Vector<T>(mask);
        for (; i <= numbers.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if ((new Vector<T>(numbers[i..]) & masks) != Vector<T>.Zero)
                return false;
        }

        for (; i < numbers.Length; i++)
        {
            if ((numbers[i] & mask) != T.Zero)
                return false;
        }

        return true;
    }

    // All exponent bits set: infinity or not a number.
    private static int Find<T>(ReadOnlySpan<T> numbers, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var i = 0;
        var exponents = new Vector<T>(exponent);
        for (; i <= numbers.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(numbers[i..]) & exponents, exponents))
                break;
        }

        for (; i < numbers.Length; i++)
        {
            if ((numbers[i] & exponent) == exponent)
                return i;
        }

        return -1;
    }
}
