using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// c[row][column] = c[row][column] * fading[row] + the sum over k of a[row][k] b[k][column], by register tiles: a broadcast number of each row times a strip of vectors.
/// Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
/// </summary>
internal static unsafe class TileProduct<TLanes, TVector>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
{
    // Six rows of four vectors need 29 registers; where there are sixteen, six rows of two need 15.
    private static bool HasManyRegisters => TLanes.Width == 16 || AdvSimd.IsSupported;

    /// <summary>How many of so many rows are to be multiplied together.</summary>
    public static int RowsTogether(int left) => left >= 6 ? 6 : left >= 3 ? 3 : 1;

    /// <summary>Multiplies so many rows as <see cref="RowsTogether"/> says.</summary>
    /// <param name="rows">Rows of a and c.</param>
    /// <param name="a">[row][k].</param>
    /// <param name="aRow">Floats between rows of a.</param>
    /// <param name="b">[k][column].</param>
    /// <param name="bRow">Floats between rows of b.</param>
    /// <param name="c">[row][column].</param>
    /// <param name="cRow">Floats between rows of c.</param>
    /// <param name="columns">Columns of b and c, whole vectors.</param>
    /// <param name="fading">Factor of each row's old values; null = there are none.</param>
    /// <param name="depth">Numbers that are summed.</param>
    /// <param name="ahead">What is fetched meanwhile.</param>
    public static void Multiply(int rows, float* a, nint aRow, float* b, nint bRow, float* c, nint cRow, int columns, float* fading, int depth, in RowsAhead ahead)
    {
        switch (rows)
        {
            case 1: Multiply<One>(a, aRow, b, bRow, c, cRow, columns, fading, depth, ahead); break;
            case 3: Multiply<Three>(a, aRow, b, bRow, c, cRow, columns, fading, depth, ahead); break;
            default: Multiply<Six>(a, aRow, b, bRow, c, cRow, columns, fading, depth, ahead); break;
        }
    }

    private static void Multiply<TRows>(float* a, nint aRow, float* b, nint bRow, float* c, nint cRow, int columns, float* fading, int depth, in RowsAhead ahead)
        where TRows : ICount
    {
        var width = TLanes.Width;
        var at = 0;
        if (HasManyRegisters)
            for (; at + (4 * width) <= columns; at += 4 * width)
                Panel<TRows, Four>(a, aRow, b + at, bRow, c + at, cRow, fading, depth, at == 0 ? ahead : default);
        for (; at + (2 * width) <= columns; at += 2 * width)
            Panel<TRows, Two>(a, aRow, b + at, bRow, c + at, cRow, fading, depth, at == 0 ? ahead : default);
        if (at < columns)
            Panel<TRows, One>(a, aRow, b + at, bRow, c + at, cRow, fading, depth, at == 0 ? ahead : default);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Panel<TRows, TVectors>(float* a, nint aRow, float* b, nint bRow, float* c, nint cRow, float* fading, int depth, in RowsAhead ahead)
        where TRows : ICount
        where TVectors : ICount
    {
        var p = Strip<TLanes, TVector>.Begin<TVectors>(c, fading, 0);
        var q = TRows.Value > 1 ? Strip<TLanes, TVector>.Begin<TVectors>(c + cRow, fading, 1) : p;
        var r = TRows.Value > 2 ? Strip<TLanes, TVector>.Begin<TVectors>(c + (2 * cRow), fading, 2) : p;
        var s = TRows.Value > 3 ? Strip<TLanes, TVector>.Begin<TVectors>(c + (3 * cRow), fading, 3) : p;
        var t = TRows.Value > 4 ? Strip<TLanes, TVector>.Begin<TVectors>(c + (4 * cRow), fading, 4) : p;
        var u = TRows.Value > 5 ? Strip<TLanes, TVector>.Begin<TVectors>(c + (5 * cRow), fading, 5) : p;
        float* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
        for (nint k = 0; k < depth; k++, b += bRow)
        {
            var right = Strip<TLanes, TVector>.Load<TVectors>(b);
            ahead.Fetch(k);
            p.Add<TVectors>(a[k], right);
            if (TRows.Value > 1)
                q.Add<TVectors>(a1[k], right);
            if (TRows.Value > 2)
                r.Add<TVectors>(a2[k], right);
            if (TRows.Value > 3)
                s.Add<TVectors>(a3[k], right);
            if (TRows.Value > 4)
                t.Add<TVectors>(a4[k], right);
            if (TRows.Value > 5)
                u.Add<TVectors>(a5[k], right);
        }
        p.Store<TVectors>(c);
        if (TRows.Value > 1)
            q.Store<TVectors>(c + cRow);
        if (TRows.Value > 2)
            r.Store<TVectors>(c + (2 * cRow));
        if (TRows.Value > 3)
            s.Store<TVectors>(c + (3 * cRow));
        if (TRows.Value > 4)
            t.Store<TVectors>(c + (4 * cRow));
        if (TRows.Value > 5)
            u.Store<TVectors>(c + (5 * cRow));
    }
}
