using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>One pass over an adapter's numbers, of a type that <see cref="GgmlTypes.IsAdapterType"/> allows: is one of them not finite?</summary>
internal static class TensorScan
{
    private static readonly int Q8Bytes = GgmlTypes.BlockBytes(GgmlType.Q8_0);

    // Whole blocks of every type.
    private static readonly int ChunkBytes = Q8Bytes << 15;

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

    private static int FindBlock(ReadOnlySpan<byte> blocks)
    {
        for (var i = 0; i < blocks.Length / Q8Bytes; i++)
        {
            if ((BinaryPrimitives.ReadUInt16LittleEndian(blocks[(i * Q8Bytes)..]) & 0x7C00) == 0x7C00)
                return i;
        }

        return -1;
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
