using System.Runtime.CompilerServices;
using InferenceHost.Core.Numerics;

namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>
/// Attention for the queries of a prefill chunk: vectors run along the queries, so that scores, softmax and sums need no shuffling; each tile of cells is widened
/// once for all of them. Everything is [..][query], in blocks of two vectors.
/// </summary>
internal static unsafe class ManyQueries<TLanes, TVector, TCells>
    where TLanes : IFloatLanes<TVector>
    where TVector : struct
    where TCells : ICellFormat
{
    private const int Tile = AttentionPlan.TileCells;

    // Rows of the small matrix products that are worked on together.
    private const int Rows = 4;

    private static int Lanes => 2 * TLanes.Width;

    /// <summary>Computes a part for one key-value head into the scratch's results, maxima and sums.</summary>
    public static void Run(AttentionSite* site, in AttentionGroup group, in AttentionPart part, int head, in AttentionScratch scratch)
    {
        var queries = group.Rows * site->Sharing;
        var blocks = (queries + Lanes - 1) / Lanes;
        Prepare(site, group, head, queries, blocks, scratch);
        for (var tile = part.FirstTile; tile < part.FirstTile + part.Tiles; tile++)
        {
            var count = Math.Min(Tile, group.Cells - (tile * Tile));
            var cells = site->Plan.Cells + group.FirstCell + (tile * Tile);
            var whole = (count + Rows - 1) / Rows * Rows;
            Widen(site->K + (head * site->KHead), site->KCell, cells, count, whole, site->KeySize, scratch.Keys);
            Widen(site->V + (head * site->VHead), site->VCell, cells, count, whole, site->ValueSize, scratch.Values);
            for (var block = 0; block < blocks; block++)
                Step(site, group, tile, count, whole, block, Math.Min(Lanes, queries - (block * Lanes)), scratch);
        }
        Turn(site->ValueSize, queries, scratch);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Prepare(AttentionSite* site, in AttentionGroup group, int head, int queries, int blocks, in AttentionScratch scratch)
    {
        var (size, lanes, factor) = (site->KeySize, Lanes, AttentionKernel.QueryFactor(site));
        new Span<float>(scratch.Queried, blocks * lanes * size).Clear();
        for (var query = 0; query < queries; query++)
        {
            var source = AttentionKernel.Query(site, group, head, query);
            var target = scratch.Queried + (query / lanes * lanes * size) + (query % lanes);
            for (var at = 0; at < size; at++)
                target[at * lanes] = source[at] * factor;
        }
        new Span<float>(scratch.Turned, blocks * lanes * site->ValueSize).Clear();
        new Span<float>(scratch.Maxima, blocks * lanes).Fill(Softmax<TLanes, TVector>.Unseen);
        new Span<float>(scratch.Sums, blocks * lanes).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(byte* rows, nint stride, int* cells, int count, int whole, int size, float* target)
    {
        for (var cell = 0; cell < count; cell++, target += size)
        {
            var row = rows + (cells[cell] * stride);
            for (var at = 0; at < size; at += TLanes.Width)
                TLanes.Store(TCells.Load<TVector>(row, at), ref *target, at);
        }
        new Span<float>(target, (whole - count) * size).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Step(AttentionSite* site, in AttentionGroup group, int tile, int count, int whole, int block, int queries, in AttentionScratch scratch)
    {
        var (lanes, first) = (Lanes, block * Lanes);
        Multiply<One>(scratch.Keys, site->KeySize, 1, scratch.Queried + (first * site->KeySize), scratch.Scores, whole, site->KeySize);
        if (site->SoftCap != 0)
            AttentionKernel.Cap(scratch.Scores, count * lanes, site->SoftCap);
        for (var query = 0; query < queries; query++)
            AttentionKernel.Hide(site, group, tile, first + query, scratch.Scores + query, count, lanes);
        for (var lane = 0; lane < lanes; lane += TLanes.Width)
            Softmax<TLanes, TVector>.Column(scratch.Scores + lane, count, lanes, scratch.Maxima + first + lane, scratch.Sums + first + lane, scratch.Fading + lane);
        var results = scratch.Turned + (first * site->ValueSize);
        Fade(results, site->ValueSize, scratch.Fading);
        Multiply<Two>(scratch.Values, 1, site->ValueSize, scratch.Scores, results, site->ValueSize, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fade(float* results, int size, float* fading)
    {
        var (low, high) = (TLanes.Load(ref *fading, 0), TLanes.Load(ref *fading, TLanes.Width));
        for (var row = 0; row < size; row++, results += Lanes)
        {
            TLanes.Store(TLanes.Multiply(TLanes.Load(ref *results, 0), low), ref *results, 0);
            TLanes.Store(TLanes.Multiply(TLanes.Load(ref *results, TLanes.Width), high), ref *results, TLanes.Width);
        }
    }

    // c[row][query] = sum over k of a[row, k] b[k][query]; with TMode = Two added to what c holds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TMode>(float* a, nint rowStride, nint depthStride, float* b, float* c, int rows, int depth)
        where TMode : ICount
    {
        var (width, lanes) = (TLanes.Width, Lanes);
        for (var row = 0; row < rows; row += Rows, c += Rows * lanes)
        {
            var p = TLanes.Broadcast(0);
            var (p1, q, q1, r, r1, s, s1) = (p, p, p, p, p, p, p);
            if (TMode.Value > 1)
            {
                (p, p1) = (TLanes.Load(ref *c, 0), TLanes.Load(ref *c, width));
                (q, q1) = (TLanes.Load(ref *c, lanes), TLanes.Load(ref *c, lanes + width));
                (r, r1) = (TLanes.Load(ref *c, 2 * lanes), TLanes.Load(ref *c, (2 * lanes) + width));
                (s, s1) = (TLanes.Load(ref *c, 3 * lanes), TLanes.Load(ref *c, (3 * lanes) + width));
            }
            var left = a + (row * rowStride);
            var right = b;
            for (var k = 0; k < depth; k++, left += depthStride, right += lanes)
            {
                var (low, high) = (TLanes.Load(ref *right, 0), TLanes.Load(ref *right, width));
                var value = TLanes.Broadcast(left[0]);
                p = TLanes.MultiplyAdd(value, low, p);
                p1 = TLanes.MultiplyAdd(value, high, p1);
                value = TLanes.Broadcast(left[rowStride]);
                q = TLanes.MultiplyAdd(value, low, q);
                q1 = TLanes.MultiplyAdd(value, high, q1);
                value = TLanes.Broadcast(left[2 * rowStride]);
                r = TLanes.MultiplyAdd(value, low, r);
                r1 = TLanes.MultiplyAdd(value, high, r1);
                value = TLanes.Broadcast(left[3 * rowStride]);
                s = TLanes.MultiplyAdd(value, low, s);
                s1 = TLanes.MultiplyAdd(value, high, s1);
            }
            TLanes.Store(p, ref *c, 0);
            TLanes.Store(p1, ref *c, width);
            TLanes.Store(q, ref *c, lanes);
            TLanes.Store(q1, ref *c, lanes + width);
            TLanes.Store(r, ref *c, 2 * lanes);
            TLanes.Store(r1, ref *c, (2 * lanes) + width);
            TLanes.Store(s, ref *c, 3 * lanes);
            TLanes.Store(s1, ref *c, (3 * lanes) + width);
        }
    }

    // [block][value][query] becomes [query][value].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(int size, int queries, in AttentionScratch scratch)
    {
        for (var query = 0; query < queries; query++)
        {
            var source = scratch.Turned + (query / Lanes * Lanes * size) + (query % Lanes);
            var target = scratch.Results + (query * size);
            for (var at = 0; at < size; at++)
                target[at] = source[at * Lanes];
        }
    }
}
