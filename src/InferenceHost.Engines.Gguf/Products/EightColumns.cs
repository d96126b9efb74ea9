using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using InferenceHost.Engines.Gguf.Attention;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Where eight of a panel's columns begin, in bytes behind the panel's first. Columns behind the last of a weight are that one again. Needs AVX2.</summary>
internal readonly unsafe struct EightColumns
{
    /// <summary>As many.</summary>
    public const int Count = 8;

    private readonly Vector256<int> _offsets;

    /// <param name="weight">Whose columns.</param>
    /// <param name="panel">Which panel.</param>
    /// <param name="first">The first of them within the panel, 0 or 8.</param>
    public EightColumns(in ProductWeight weight, int panel, int first)
    {
        var last = Math.Min(weight.Columns - (panel * ProductLayout.PanelColumns), ProductLayout.PanelColumns) - 1;
        _offsets = Vector256.Min(Vector256.Create(0, 1, 2, 3, 4, 5, 6, 7) + Vector256.Create(first), Vector256.Create(last)) * (int)weight.Stride;
    }

    /// <summary>Offsets one by one.</summary>
    public void Store(int* target) => _offsets.Store(target);

    /// <summary>Four bytes of each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Read(byte* at) => Avx2.GatherVector256((int*)at, _offsets, 1);

    /// <summary>A number in half precision of each column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> ReadHalf(byte* at) => HalfCells.WidenLower(Read(at));
}
