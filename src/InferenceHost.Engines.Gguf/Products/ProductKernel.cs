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
            Multiply(site, panel, threads, scratch);
        }
    }

    /// <summary>Bytes of scratch per thread.</summary>
    public static nint ScratchBytes(in ProductWeight weight, int rows) => PartBytes(weight) + ((nint)rows * ProductLayout.VectorBytes);

    /// <summary>Bytes of the tiles of so many rows.</summary>
    public static nint TileBytes(in ProductWeight weight, int rows) => ActivationTiles.Start(rows, weight.Layout, weight.Blocks);

    private static nint PartBytes(in ProductWeight weight) => (nint)weight.Layout.PartInputs / weight.Layout.BlockInputs * weight.Layout.PanelBlockBytes;

    // Nobody waits for a thread that has not come yet: rows belong to who takes them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteTiles(ProductSite* site)
    {
        var (rows, tiles, layout, blocks) = (site->Rows, site->Weight.Layout.Tiles(site->Rows), site->Weight.Layout, site->Weight.Blocks);
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

    // The last panel has fewer columns than a routine writes: its results are put aside first.
    private static void Multiply(ProductSite* site, int panel, int threads, byte* scratch)
    {
        var columns = Math.Min(site->Weight.Columns - (panel * ProductLayout.PanelColumns), ProductLayout.PanelColumns);
        var target = site->Out + (panel * ProductLayout.VectorBytes);
        if (columns == ProductLayout.PanelColumns)
        {
            Multiply(site, panel, threads, scratch, target, site->OutStride);
            return;
        }
        var aside = scratch + PartBytes(site->Weight);
        Multiply(site, panel, threads, scratch, aside, ProductLayout.VectorBytes);
        for (var row = 0; row < site->Rows; row++, target += site->OutStride, aside += ProductLayout.VectorBytes)
            new ReadOnlySpan<float>(aside, columns).CopyTo(new Span<float>(target, columns));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(ProductSite* site, int panel, int threads, byte* scratch, byte* target, nint stride)
    {
        var (rows, tiles, layout, blocks) = (site->Rows, site->Weight.Layout.Tiles(site->Rows), site->Weight.Layout, site->Weight.Blocks);
        var routines = ProductCode.Routines(layout);
        for (var input = 0; input < site->Weight.Inputs; input += layout.PartInputs)
        {
            var part = new PanelPart(panel, input, Math.Min(layout.PartInputs, site->Weight.Inputs - input), threads);
            WeightPanel.Read(site->Weight, part, scratch);
            for (int tile = 0, first = 0; tile < tiles; tile++)
            {
                var count = ProductLayout.FirstRow(tile + 1, tiles, rows) - first;
                var source = site->Buffers->Tiles + ActivationTiles.Start(first, layout, blocks) + ((nint)input / layout.BlockInputs * count * layout.ActivationBlockBytes);
                routines[count](scratch, source, (float*)(target + (first * stride)), part.Inputs / layout.BlockInputs, stride, input);
                first += count;
            }
        }
    }
}
