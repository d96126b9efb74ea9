using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using InferenceHost.Engines.Gguf.Adapters;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>ggml's q8_0: blocks of 32 signed bytes behind one scale in half precision.</summary>
internal readonly unsafe struct Q8Cells : ICellFormat
{
    private const int BlockValues = 32, BlockBytes = 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* row, int index)
        where TVector : struct
    {
        var block = row + (index / BlockValues * BlockBytes);
        var scale = (float)Unsafe.ReadUnaligned<Half>(block);
        var at = (sbyte*)block + 2 + (index % BlockValues);
        if (typeof(TVector) == typeof(Vector512<float>))
            return Unsafe.BitCast<Vector512<float>, TVector>(LoraLanes512.Widen(at) * Vector512.Create(scale));
        if (typeof(TVector) == typeof(Vector256<float>))
            return Unsafe.BitCast<Vector256<float>, TVector>(LoraLanes256.Widen(at) * Vector256.Create(scale));
        return Unsafe.BitCast<Vector128<float>, TVector>(LoraLanes128.Widen(at) * Vector128.Create(scale));
    }
}
