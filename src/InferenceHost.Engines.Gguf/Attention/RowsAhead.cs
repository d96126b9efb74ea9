using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Rows of cells that will be wanted soon. A long sequence's cells come from memory, a line or two per head, which the processor's own prefetching does not foresee; asked
/// for one by one between multiplications they arrive while those go on.
/// </summary>
internal readonly unsafe struct RowsAhead(byte* rows, nint stride, nint bytes, int* cells, int count)
{
    private const int LineBytes = 64;

    /// <summary>Brings a row into the second-level cache, where there is one of this number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch(nint number)
    {
        if (!Sse.IsSupported || number >= count)
            return;
        var row = rows + (cells[number] * stride);
        for (nint at = 0; at < bytes; at += LineBytes)
            Sse.Prefetch1(row + at);
    }
}
