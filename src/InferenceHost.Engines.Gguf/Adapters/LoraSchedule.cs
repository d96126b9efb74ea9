using System.Runtime.CompilerServices;

namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Who does what: many tiles are taken from a shared queue, few are shared by all threads in two passes (ggml waits between two nodes).</summary>
internal static unsafe class LoraSchedule<TLanes, TVector, TFormat>
    where TLanes : struct, ILoraLanes<TVector>
    where TVector : struct
    where TFormat : struct, IWeightFormat
{
    /// <summary>Takes tiles until there are none, each from x to y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Whole(RoutingSite* site, int thread)
    {
        var rows = site->Rows;
        var u = site->Scratch + ((nint)thread * RowTile.MaxRows * site->ScratchRank);
        for (var at = Interlocked.Increment(ref site->Next) - 1; at < rows->TileCount; at = Interlocked.Increment(ref site->Next) - 1)
        {
            var tile = rows->Tiles + at;
            var weights = site->Slots + tile->Slot;
            if (weights->Rank == 0)
                continue;
            LoraKernel<TLanes, TVector, TFormat>.Down(*site, *weights, *tile, u, 0, weights->Rank);
            LoraKernel<TLanes, TVector, TFormat>.Up(*site, *weights, *tile, u, 0, ModuleWeights.Blocks(site->Outputs));
        }
    }

    /// <summary>First pass of a shared site: this thread's part of all ranks of all tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Down(RoutingSite* site, int thread, int threads)
    {
        var rows = site->Rows;
        var total = 0;
        for (var at = 0; at < rows->TileCount; at++)
            total += (site->Slots + rows->Tiles[at].Slot)->Rank / ModuleWeights.RankStep;
        int first = (int)((long)total * thread / threads), last = (int)((long)total * (thread + 1) / threads), done = 0;
        for (var at = 0; at < rows->TileCount && done < last; at++)
        {
            var tile = rows->Tiles + at;
            var weights = site->Slots + tile->Slot;
            var units = weights->Rank / ModuleWeights.RankStep;
            int from = Math.Max(first - done, 0), to = Math.Min(last - done, units);
            if (from < to)
                LoraKernel<TLanes, TVector, TFormat>.Down(
                    *site, *weights, *tile, site->Scratch + ((nint)at * RowTile.MaxRows * site->ScratchRank), from * ModuleWeights.RankStep, to * ModuleWeights.RankStep);
            done += units;
        }
    }

    /// <summary>Second pass of a shared site: this thread's part of all output blocks of all tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Up(RoutingSite* site, int thread, int threads)
    {
        var rows = site->Rows;
        var blocks = ModuleWeights.Blocks(site->Outputs);
        var total = 0;
        for (var at = 0; at < rows->TileCount; at++)
            total += (site->Slots + rows->Tiles[at].Slot)->Rank == 0 ? 0 : blocks;
        int first = (int)((long)total * thread / threads), last = (int)((long)total * (thread + 1) / threads), done = 0;
        for (var at = 0; at < rows->TileCount && done < last; at++)
        {
            var tile = rows->Tiles + at;
            var weights = site->Slots + tile->Slot;
            if (weights->Rank == 0)
                continue;
            int from = Math.Max(first - done, 0), to = Math.Min(last - done, blocks);
            if (from < to)
                LoraKernel<TLanes, TVector, TFormat>.Up(*site, *weights, *tile, site->Scratch + ((nint)at * RowTile.MaxRows * site->ScratchRank), from, to);
            done += blocks;
        }
    }
}
