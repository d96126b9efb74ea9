using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Attention for the queries of a prefill chunk, as two small matrix products per tile of cells: scores with vectors along the cells, from keys that are widened and
/// turned once for all queries, and weighted values with vectors along the head. No lane is idle whatever the number of queries, and sums need no shuffling.
/// </summary>
internal static unsafe class ManyQueries<TLanes, TVector, TCells>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
    where TCells : ICellFormat
{
    private const int Tile = AttentionPlan.TileCells;

    /// <summary>Adds a tile to the scratch's results, maxima and sums.</summary>
    public static void Run(in AttentionTile tile, in AttentionScratch scratch)
    {
        var (keySize, valueSize) = (tile.Site->KeySize, tile.Site->ValueSize);
        var whole = (tile.Count + TLanes.Width - 1) / TLanes.Width * TLanes.Width;
        Widen(tile.Keys, tile.Site->KCell, tile, keySize, scratch.Keys);
        new Span<float>(scratch.Keys + (tile.Count * keySize), (whole - tile.Count) * keySize).Clear();
        Turning<TLanes, TVector>.Turn(scratch.Keys, keySize, whole, scratch.Turned, Tile);
        Widen(tile.Values, tile.Site->VCell, tile, valueSize, scratch.Values);
        var queries = tile.Queries;
        for (int first = 0, rows; first < queries; first += rows)
        {
            rows = TileProduct<TLanes, TVector>.RowsTogether(queries - first);
            Step(tile, whole, first, rows, scratch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(byte* rows, nint stride, in AttentionTile tile, int size, float* target)
    {
        var cells = tile.Cells;
        var count = tile.Count;
        for (var cell = 0; cell < count; cell++, target += size)
        {
            var row = rows + (cells[cell] * stride);
            for (var at = 0; at < size; at += TLanes.Width)
                TLanes.Store(TCells.Load<TVector>(row, at), ref *target, at);
        }
    }

    private static void Step(in AttentionTile tile, int whole, int first, int rows, in AttentionScratch scratch)
    {
        var (keySize, valueSize) = (tile.Site->KeySize, tile.Site->ValueSize);
        var (keys, values) = first == 0 ? (tile.KeysAhead(Tile), tile.ValuesAhead(Tile)) : default;
        TileProduct<TLanes, TVector>.Multiply(rows, scratch.Queried + (first * keySize), keySize, scratch.Turned, Tile, scratch.Scores, Tile, whole, null, keySize, keys);
        for (var row = 0; row < rows; row++)
            scratch.Fading[row] = AttentionQueries.Weigh<TLanes, TVector>(tile, first + row, scratch.Scores + (row * Tile), scratch);
        TileProduct<TLanes, TVector>.Multiply(
            rows, scratch.Scores, Tile, scratch.Values, valueSize, scratch.Results + (first * valueSize), valueSize, valueSize, scratch.Fading, tile.Count, values);
    }
}
