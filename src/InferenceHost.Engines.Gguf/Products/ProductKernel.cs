using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// Computes a product on ggml's threads: rows are rounded to tiles, then panels of the weight are taken one by one, unpacked once and multiplied with every tile.
/// A row's result does not depend on the rows beside it.
/// </summary>
internal static unsafe class ProductKernel
{
    // Waiting rounds before a thread gives its core away: the others need it then.
    private const int Spins = 1000;

    /// <summary>What ggml calls, on each of its threads.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void Run(ggml_tensor* node, int thread, int threads, void* userData) => Run((ProductSite*)userData, thread, threads);

    /// <summary>The same for a site at hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ProductSite* site, int thread, int threads)
    {
        if (site->HasTiles == 0)
            WriteTiles(site);
        var scratch = site->Buffers->Scratch + (thread * site->Buffers->ScratchBytes);
        var panels = site->Weight.Panels;
        for (var panel = Interlocked.Increment(ref site->NextPanel) - 1; panel < panels; panel = Interlocked.Increment(ref site->NextPanel) - 1)
        {
            WeightPanel.Read(site->Weight, panel, threads, scratch);
            Multiply(site, panel, scratch);
        }
    }

    /// <summary>Bytes of scratch per thread.</summary>
    public static nint ScratchBytes(in ProductWeight weight) => PanelBytes(weight) + (ProductLayout.MaxRows * ProductLayout.VectorBytes);

    /// <summary>Bytes of the tiles of so many rows.</summary>
    public static nint TileBytes(in ProductWeight weight, int rows) => ActivationTiles.Start(rows, weight.Layout, weight.Blocks);

    private static nint PanelBytes(in ProductWeight weight) => (nint)weight.Blocks * weight.Layout.PanelBlockBytes;

    // Nobody waits for a thread that has not come yet: rows belong to who takes them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteTiles(ProductSite* site)
    {
        var (rows, tiles, layout, blocks) = (site->Rows, ProductLayout.Tiles(site->Rows), site->Weight.Layout, site->Weight.Blocks);
        for (var row = Interlocked.Increment(ref site->NextRow) - 1; row < rows; row = Interlocked.Increment(ref site->NextRow) - 1)
        {
            var tile = (int)((((long)row + 1) * tiles - 1) / rows);
            var first = ProductLayout.FirstRow(tile, tiles, rows);
            var start = site->Buffers->Tiles + ActivationTiles.Start(first, layout, blocks);
            ActivationTiles.Write((float*)(site->X + (row * site->XStride)), layout, blocks, start, row - first, ProductLayout.FirstRow(tile + 1, tiles, rows) - first);
            Interlocked.Increment(ref site->RowsDone);
        }
        for (var round = 0; Volatile.Read(ref site->RowsDone) < rows; round++)
        {
            if (round < Spins)
                Thread.SpinWait(1);
            else
                Thread.Yield();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(ProductSite* site, int panel, byte* scratch)
    {
        var (rows, tiles, layout, blocks) = (site->Rows, ProductLayout.Tiles(site->Rows), site->Weight.Layout, site->Weight.Blocks);
        var routines = ProductCode.Routines(layout);
        var column = panel * ProductLayout.PanelColumns;
        var isWhole = column + ProductLayout.PanelColumns <= site->Weight.Columns;
        var partial = (float*)(scratch + PanelBytes(site->Weight));
        for (int tile = 0, first = 0; tile < tiles; tile++)
        {
            var last = ProductLayout.FirstRow(tile + 1, tiles, rows);
            var source = site->Buffers->Tiles + ActivationTiles.Start(first, layout, blocks);
            var target = (float*)(site->Out + (first * site->OutStride)) + column;
            if (isWhole)
                routines[last - first](scratch, source, target, blocks, site->OutStride);
            else
                MultiplyLast(site, routines[last - first], scratch, source, target, partial, last - first);
            first = last;
        }
    }

    // The last panel has fewer columns than the routine writes.
    private static void MultiplyLast(
        ProductSite* site, delegate* unmanaged[Cdecl, SuppressGCTransition]<byte*, byte*, float*, nint, nint, void> routine, byte* panel, byte* tile, float* target, float* partial, int rows)
    {
        routine(panel, tile, partial, site->Weight.Blocks, ProductLayout.VectorBytes);
        var columns = site->Weight.Columns % ProductLayout.PanelColumns;
        for (var row = 0; row < rows; row++)
            new ReadOnlySpan<float>(partial + (row * ProductLayout.PanelColumns), columns).CopyTo(new Span<float>((byte*)target + (row * site->OutStride), columns));
    }
}
