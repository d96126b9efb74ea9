using System.Buffers;
using System.Runtime.InteropServices;
using InferenceHost.ModelFiles.Gguf;

namespace InferenceHost.ModelFiles.Lora;

/// <summary>The numbers of an adapter's tensors, of a type that <see cref="GgmlTypes.IsAdapterType"/> allows.</summary>
public static class LoraNumbers
{
    // Weights are about 0.01, inputs about 1, and single precision ends at 1e-7 of them.
    private const double Nothing = 1e-15;

    /// <summary>Reads a tensor into <paramref name="target"/>, as many floats as it has elements.</summary>
    public static void Read(GgufFile file, GgufTensor tensor, Span<float> target) =>
        Read(file.TensorBytes(tensor, 0, checked((int)tensor.ByteLength)), tensor.Type, target[..(int)tensor.Elements]);

    /// <summary>Reads numbers of a type, as many as <paramref name="target"/> takes.</summary>
    internal static void Read(ReadOnlySpan<byte> bytes, GgmlType type, Span<float> target)
    {
        var count = target.Length;
        switch (type)
        {
            case GgmlType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(target);
                break;
            case GgmlType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < count; i++)
                    target[i] = (float)halves[i];
                break;
            case GgmlType.Q8_0:
                // Blocks of a half and 32 signed bytes.
                var (numbers, blockBytes) = (GgmlTypes.BlockElements(type), GgmlTypes.BlockBytes(type));
                for (var at = 0; at < count; at += numbers, bytes = bytes[blockBytes..])
                {
                    for (var i = 0; i < numbers; i++)
                        target[at + i] = (float)MemoryMarshal.Read<Half>(bytes) * (sbyte)bytes[2 + i];
                }

                break;
            default:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < count; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                break;
        }
    }

    /// <summary>Whether A [inputs x rank] and B [rank x outputs] with the factor <paramref name="strength"/> leave the weight as it is: in no rank
    /// have both numbers whose product counts.</summary>
    internal static bool ChangeNothing(GgufFile file, GgufTensor a, GgufTensor b, double strength)
    {
        // Too large to be held at once, and nobody writes gigabytes of zeros.
        if (Math.Max(a.ByteLength, b.ByteLength) > int.MaxValue)
            return false;
        var rank = (int)a.Ne1;
        var numbers = ArrayPool<float>.Shared.Rent((int)Math.Max(a.Elements, b.Elements));
        try
        {
            var largest = new double[rank];
            Read(file, a, numbers);
            for (var k = 0; k < rank; k++)
            {
                foreach (var number in numbers.AsSpan(k * (int)a.Ne0, (int)a.Ne0))
                    largest[k] = Math.Max(largest[k], Math.Abs(number));
            }

            Read(file, b, numbers);
            for (var i = 0; i < b.Elements; i++)
            {
                if (largest[i % rank] * Math.Abs((double)numbers[i]) * strength >= Nothing)
                    return false;
            }

            return true;
        }
        finally
        {
            ArrayPool<float>.Shared.Return(numbers);
        }
    }
}
