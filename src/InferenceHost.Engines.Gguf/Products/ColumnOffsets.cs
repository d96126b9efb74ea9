using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Where sixteen columns begin, in bytes behind the first. Columns behind the last of a weight are that one again.</summary>
internal readonly unsafe struct ColumnOffsets
{
    private readonly Vector256<int> _first;
    private readonly Vector256<int> _second;

    public ColumnOffsets(in ProductWeight weight, int panel)
    {
        var last = Math.Min(weight.Columns - (panel * ProductLayout.PanelColumns), ProductLayout.PanelColumns) - 1;
        var count = Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7);
        _first = Vector256.Min(count, Vector256.Create(last)) * (int)weight.Stride;
        _second = Vector256.Min(count + Vector256.Create(8), Vector256.Create(last)) * (int)weight.Stride;
    }

    /// <summary>The offset of one column.</summary>
    public int this[int column] => column < 8 ? _first[column] : _second[column - 8];

    /// <summary>Four bytes of each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<int> Read(byte* at) => Vector512.Create(Avx2.GatherVector256((int*)at, _first, 1), Avx2.GatherVector256((int*)at, _second, 1));

    /// <summary>A number in half precision of each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> ReadHalf(byte* at) => Half(Read(at));

    /// <summary>The numbers in half precision in the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Half(Vector512<int> bits) => HalfCells.Widen(Avx512F.ConvertToVector256Int16(bits));
}
