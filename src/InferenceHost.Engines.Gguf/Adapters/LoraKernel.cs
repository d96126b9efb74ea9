using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// y[row] += B (row scale * scales * (A x[row])) for the rows of a tile. A pass over the weights serves four rows at once; what remains is done row by row.
/// Nothing here allocates, locks or throws: it runs on ggml's own threads.
/// </summary>
internal static unsafe class LoraKernel<TLanes, TVector, TFormat>
    where TLanes : struct, ILoraLanes<TVector>
    where TVector : struct
    where TFormat : struct, IWeightFormat
{
    private const int Block = ModuleWeights.BlockOutputs;
    private const int CacheLine = 64;

    // A module's weights lie one behind the other, but in runs that are too short for the processor's own prefetcher.
    private const int Ahead = 2048;

    /// <summary>u[r][rank] = row scale * scales[rank] * A[rank] x[row r], for ranks <paramref name="from"/>..<paramref name="to"/> - 1 (multiples of 4).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Down(in RoutingSite site, in ModuleWeights weights, in RowTile tile, float* u, int from, int to)
    {
        var rank = site.ScratchRank;
        var row = 0;
        for (; row + 4 <= tile.Count; row += 4)
            for (var k = from; k < to; k += 2)
                Down4(site, weights, site.X + (tile.Rows[row] * site.XStride), site.X + (tile.Rows[row + 1] * site.XStride),
                    site.X + (tile.Rows[row + 2] * site.XStride), site.X + (tile.Rows[row + 3] * site.XStride), u + (row * rank) + k, rank, k, tile, row);
        for (; row < tile.Count; row++)
            for (var k = from; k < to; k += 4)
                Down1(site, weights, site.X + (tile.Rows[row] * site.XStride), u + (row * rank) + k, k, tile.Scales[row]);
    }

    /// <summary>y[row r] += B u[r], for blocks <paramref name="from"/>..<paramref name="to"/> - 1 of 64 outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Up(in RoutingSite site, in ModuleWeights weights, in RowTile tile, float* u, int from, int to)
    {
        var rank = site.ScratchRank;
        for (var block = from; block < to; block++)
        {
            var b = weights.Up + ((nint)block * Block * weights.Rank * TFormat.Bytes);
            var valid = Math.Min(Block, site.Outputs - (block * Block));
            var y = site.Y + (block * Block);
            var row = 0;
            for (; row + 4 <= tile.Count; row += 4)
                Up4(b, weights.Rank, valid, u + (row * rank), rank, y + (tile.Rows[row] * site.YStride), y + (tile.Rows[row + 1] * site.YStride),
                    y + (tile.Rows[row + 2] * site.YStride), y + (tile.Rows[row + 3] * site.YStride));
            for (; row < tile.Count; row++)
                Up1(b, weights.Rank, valid, u + (row * rank), y + (tile.Rows[row] * site.YStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Down1(in RoutingSite site, in ModuleWeights weights, float* x, float* u, int k, float rowScale)
    {
        nint inputs = site.Inputs, stride = inputs * TFormat.Bytes, whole = inputs - (inputs % TLanes.Width), j = 0;
        byte* a0 = weights.Down + (k * stride), a1 = a0 + stride, a2 = a1 + stride, a3 = a2 + stride;
        TVector c0 = TLanes.Broadcast(0), c1 = c0, c2 = c0, c3 = c0;
        var ahead = 4 * stride;
        for (; j < whole; j += TLanes.Width)
        {
            if ((j * TFormat.Bytes) % CacheLine == 0)
            {
                var at = ahead + (j * TFormat.Bytes);
                Prefetch(a0 + at);
                Prefetch(a1 + at);
                Prefetch(a2 + at);
                Prefetch(a3 + at);
            }
            var v = TLanes.Load(x + j);
            c0 = TLanes.MultiplyAdd(v, TFormat.Load<TLanes, TVector>(a0 + (j * TFormat.Bytes)), c0);
            c1 = TLanes.MultiplyAdd(v, TFormat.Load<TLanes, TVector>(a1 + (j * TFormat.Bytes)), c1);
            c2 = TLanes.MultiplyAdd(v, TFormat.Load<TLanes, TVector>(a2 + (j * TFormat.Bytes)), c2);
            c3 = TLanes.MultiplyAdd(v, TFormat.Load<TLanes, TVector>(a3 + (j * TFormat.Bytes)), c3);
        }
        float s0 = TLanes.Sum(c0), s1 = TLanes.Sum(c1), s2 = TLanes.Sum(c2), s3 = TLanes.Sum(c3);
        for (; j < inputs; j++)
        {
            s0 += x[j] * TFormat.Load(a0 + (j * TFormat.Bytes));
            s1 += x[j] * TFormat.Load(a1 + (j * TFormat.Bytes));
            s2 += x[j] * TFormat.Load(a2 + (j * TFormat.Bytes));
            s3 += x[j] * TFormat.Load(a3 + (j * TFormat.Bytes));
        }
        u[0] = s0 * weights.Scales[k] * rowScale;
        u[1] = s1 * weights.Scales[k + 1] * rowScale;
        u[2] = s2 * weights.Scales[k + 2] * rowScale;
        u[3] = s3 * weights.Scales[k + 3] * rowScale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Down4(in RoutingSite site, in ModuleWeights weights, float* x0, float* x1, float* x2, float* x3, float* u, int rank, int k,
        in RowTile tile, int row)
    {
        nint inputs = site.Inputs, stride = inputs * TFormat.Bytes, whole = inputs - (inputs % TLanes.Width), j = 0;
        byte* a0 = weights.Down + (k * stride), a1 = a0 + stride;
        TVector c00 = TLanes.Broadcast(0), c01 = c00, c02 = c00, c03 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00;
        for (; j < whole; j += TLanes.Width)
        {
            if ((j * TFormat.Bytes) % CacheLine == 0)
            {
                Prefetch(a0 + (2 * stride) + (j * TFormat.Bytes));
                Prefetch(a1 + (2 * stride) + (j * TFormat.Bytes));
            }
            var w0 = TFormat.Load<TLanes, TVector>(a0 + (j * TFormat.Bytes));
            var w1 = TFormat.Load<TLanes, TVector>(a1 + (j * TFormat.Bytes));
            var v = TLanes.Load(x0 + j);
            c00 = TLanes.MultiplyAdd(v, w0, c00);
            c10 = TLanes.MultiplyAdd(v, w1, c10);
            v = TLanes.Load(x1 + j);
            c01 = TLanes.MultiplyAdd(v, w0, c01);
            c11 = TLanes.MultiplyAdd(v, w1, c11);
            v = TLanes.Load(x2 + j);
            c02 = TLanes.MultiplyAdd(v, w0, c02);
            c12 = TLanes.MultiplyAdd(v, w1, c12);
            v = TLanes.Load(x3 + j);
            c03 = TLanes.MultiplyAdd(v, w0, c03);
            c13 = TLanes.MultiplyAdd(v, w1, c13);
        }
        float s00 = TLanes.Sum(c00), s01 = TLanes.Sum(c01), s02 = TLanes.Sum(c02), s03 = TLanes.Sum(c03);
        float s10 = TLanes.Sum(c10), s11 = TLanes.Sum(c11), s12 = TLanes.Sum(c12), s13 = TLanes.Sum(c13);
        for (; j < inputs; j++)
        {
            float w0 = TFormat.Load(a0 + (j * TFormat.Bytes)), w1 = TFormat.Load(a1 + (j * TFormat.Bytes));
            s00 += x0[j] * w0;
            s01 += x1[j] * w0;
            s02 += x2[j] * w0;
            s03 += x3[j] * w0;
            s10 += x0[j] * w1;
            s11 += x1[j] * w1;
            s12 += x2[j] * w1;
            s13 += x3[j] * w1;
        }
        float scale0 = weights.Scales[k], scale1 = weights.Scales[k + 1];
        float r0 = tile.Scales[row], r1 = tile.Scales[row + 1], r2 = tile.Scales[row + 2], r3 = tile.Scales[row + 3];
        u[0] = s00 * scale0 * r0;
        u[1] = s10 * scale1 * r0;
        u[rank] = s01 * scale0 * r1;
        u[rank + 1] = s11 * scale1 * r1;
        u[2 * rank] = s02 * scale0 * r2;
        u[(2 * rank) + 1] = s12 * scale1 * r2;
        u[3 * rank] = s03 * scale0 * r3;
        u[(3 * rank) + 1] = s13 * scale1 * r3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Up1(byte* b, int rank, int valid, float* u, float* y)
    {
        var o = 0;
        for (; o + (4 * TLanes.Width) <= valid; o += 4 * TLanes.Width)
        {
            TVector d0 = TLanes.Load(y + o), d1 = TLanes.Load(y + o + TLanes.Width);
            TVector d2 = TLanes.Load(y + o + (2 * TLanes.Width)), d3 = TLanes.Load(y + o + (3 * TLanes.Width));
            var w = b + (o * TFormat.Bytes);
            for (var k = 0; k < rank; k++, w += Block * TFormat.Bytes)
            {
                Prefetch(w + Ahead);
                var f = TLanes.Broadcast(u[k]);
                d0 = TLanes.MultiplyAdd(f, TFormat.Load<TLanes, TVector>(w), d0);
                d1 = TLanes.MultiplyAdd(f, TFormat.Load<TLanes, TVector>(w + (TLanes.Width * TFormat.Bytes)), d1);
                d2 = TLanes.MultiplyAdd(f, TFormat.Load<TLanes, TVector>(w + (2 * TLanes.Width * TFormat.Bytes)), d2);
                d3 = TLanes.MultiplyAdd(f, TFormat.Load<TLanes, TVector>(w + (3 * TLanes.Width * TFormat.Bytes)), d3);
            }
            TLanes.Store(d0, y + o);
            TLanes.Store(d1, y + o + TLanes.Width);
            TLanes.Store(d2, y + o + (2 * TLanes.Width));
            TLanes.Store(d3, y + o + (3 * TLanes.Width));
        }
        UpRest(b, rank, o, valid, u, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Up4(byte* b, int rank, int valid, float* u, int stride, float* y0, float* y1, float* y2, float* y3)
    {
        var o = 0;
        for (; o + (2 * TLanes.Width) <= valid; o += 2 * TLanes.Width)
        {
            var next = o + TLanes.Width;
            TVector d00 = TLanes.Load(y0 + o), d01 = TLanes.Load(y0 + next), d10 = TLanes.Load(y1 + o), d11 = TLanes.Load(y1 + next);
            TVector d20 = TLanes.Load(y2 + o), d21 = TLanes.Load(y2 + next), d30 = TLanes.Load(y3 + o), d31 = TLanes.Load(y3 + next);
            var w = b + (o * TFormat.Bytes);
            for (var k = 0; k < rank; k++, w += Block * TFormat.Bytes)
            {
                Prefetch(w + Ahead);
                var w0 = TFormat.Load<TLanes, TVector>(w);
                var w1 = TFormat.Load<TLanes, TVector>(w + (TLanes.Width * TFormat.Bytes));
                var f = TLanes.Broadcast(u[k]);
                d00 = TLanes.MultiplyAdd(f, w0, d00);
                d01 = TLanes.MultiplyAdd(f, w1, d01);
                f = TLanes.Broadcast(u[stride + k]);
                d10 = TLanes.MultiplyAdd(f, w0, d10);
                d11 = TLanes.MultiplyAdd(f, w1, d11);
                f = TLanes.Broadcast(u[(2 * stride) + k]);
                d20 = TLanes.MultiplyAdd(f, w0, d20);
                d21 = TLanes.MultiplyAdd(f, w1, d21);
                f = TLanes.Broadcast(u[(3 * stride) + k]);
                d30 = TLanes.MultiplyAdd(f, w0, d30);
                d31 = TLanes.MultiplyAdd(f, w1, d31);
            }
            TLanes.Store(d00, y0 + o);
            TLanes.Store(d01, y0 + next);
            TLanes.Store(d10, y1 + o);
            TLanes.Store(d11, y1 + next);
            TLanes.Store(d20, y2 + o);
            TLanes.Store(d21, y2 + next);
            TLanes.Store(d30, y3 + o);
            TLanes.Store(d31, y3 + next);
        }
        UpRest(b, rank, o, valid, u, y0);
        UpRest(b, rank, o, valid, u + stride, y1);
        UpRest(b, rank, o, valid, u + (2 * stride), y2);
        UpRest(b, rank, o, valid, u + (3 * stride), y3);
    }

    // Outputs behind the last whole vector group.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpRest(byte* b, int rank, int from, int valid, float* u, float* y)
    {
        for (var o = from; o < valid; o++)
        {
            float sum = 0;
            for (var k = 0; k < rank; k++)
                sum += u[k] * TFormat.Load(b + (((k * Block) + o) * TFormat.Bytes));
            y[o] += sum;
        }
    }
}
