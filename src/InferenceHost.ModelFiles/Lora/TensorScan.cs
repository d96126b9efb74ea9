using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>One pass over an adapter's numbers, of a type that <see cref="GgmlTypes.IsAdapterType"/> allows: are they all zero, is one of
/// them not finite?</summary>
internal static class TensorScan
{
    private const int Q8Bytes = 34;

    // Whole blocks of every type.
    private const int ChunkBytes = Q8Bytes << 15;

    /// <summary>Whether the tensor holds no number other than zero.</summary>
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

    /// <summary>Index of the first number that is infinite or not a number (of Q8_0: of its block's first), or -1.</summary>
    public static long FindNotFinite(GgufFile file, GgufTensor tensor)
    {
        for (long at = 0; at < tensor.ByteLength; at += ChunkBytes)
        {
            var chunk = file.TensorBytes(tensor, at, (int)Math.Min(ChunkBytes, tensor.ByteLength - at));
            var found = tensor.Type switch
            {
                GgmlType.F32 => Find(MemoryMarshal.Cast<byte, uint>(chunk), 0x7F800000u),
                GgmlType.F16 => Find(MemoryMarshal.Cast<byte, ushort>(chunk), (ushort)0x7C00),
                GgmlType.Q8_0 => FindBlock(chunk),
                _ => Find(MemoryMarshal.Cast<byte, ushort>(chunk), (ushort)0x7F80),
            };
            if (found >= 0)
                return ((at / GgmlTypes.BlockBytes(tensor.Type)) + found) * GgmlTypes.BlockElements(tensor.Type);
        }

        return -1;
    }

    private static bool IsZero(ReadOnlySpan<byte> bytes, GgmlType type)
    {
        // Minus zero is zero too.
        return type switch
        {
            GgmlType.F32 => Masked(MemoryMarshal.Cast<byte, uint>(bytes), 0x7FFFFFFFu),
            GgmlType.Q8_0 => AreZeroBlocks(bytes),
            _ => Masked(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7FFF),
        };
    }

    // A block is a half and 32 signed bytes: zero where either is.
    private static bool AreZeroBlocks(ReadOnlySpan<byte> blocks)
    {
        for (; blocks.Length > 0; blocks = blocks[Q8Bytes..])
        {
            if ((BinaryPrimitives.ReadUInt16LittleEndian(blocks) & 0x7FFF) != 0 && blocks[2..Q8Bytes].ContainsAnyExcept((byte)0))
                return false;
        }

        return true;
    }

    private static int FindBlock(ReadOnlySpan<byte> blocks)
    {
        for (var i = 0; i < blocks.Length / Q8Bytes; i++)
        {
            if ((BinaryPrimitives.ReadUInt16LittleEndian(blocks[(i * Q8Bytes)..]) & 0x7C00) == 0x7C00)
                return i;
        }

        return -1;
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
