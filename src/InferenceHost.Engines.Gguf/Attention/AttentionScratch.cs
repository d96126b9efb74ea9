namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A thread's scratch memory, cut into what the kernel keeps there.</summary>
internal readonly unsafe struct AttentionScratch
{
    // The widest block of queries: two vectors of sixteen floats.
    private const int MaxBlock = 32;
    private const int Queries = AttentionPlan.MaxQueries + MaxBlock;
    private const int Tile = AttentionPlan.TileCells;

    public AttentionScratch(float* start, int keySize, int valueSize)
    {
        Queried = start;
        Results = Queried + (Queries * keySize);
        Turned = Results + (Queries * valueSize);
        Keys = Turned + (Queries * valueSize);
        Values = Keys + (Tile * keySize);
        Scores = Values + (Tile * valueSize);
        Maxima = Scores + (Tile * MaxBlock);
        Sums = Maxima + Queries;
        Fading = Sums + Queries;
    }

    /// <summary>Queries times their factors: row by row for few, [block][<c>keySize</c>][query] for many.</summary>
    public float* Queried { get; }

    /// <summary>Weighted values per query, not yet divided by the sum.</summary>
    public float* Results { get; }

    /// <summary>The same as [block][<c>valueSize</c>][query].</summary>
    public float* Turned { get; }

    /// <summary>A tile of keys as floats.</summary>
    public float* Keys { get; }

    /// <summary>A tile of values as floats.</summary>
    public float* Values { get; }

    /// <summary>Scores of a tile, then their weights: [query][cell] for few, [cell][query] for many.</summary>
    public float* Scores { get; }

    /// <summary>Greatest score of each query so far, to base 2.</summary>
    public float* Maxima { get; }

    /// <summary>Sum of each query's weights.</summary>
    public float* Sums { get; }

    /// <summary>What the results so far are to be multiplied by, for the queries of a block.</summary>
    public float* Fading { get; }

    /// <summary>Floats that a thread needs for rows of these sizes.</summary>
    public static nint Floats(int keySize, int valueSize)
    {
        var floats = (Queries * (keySize + (2 * valueSize) + 2)) + (Tile * (keySize + valueSize + MaxBlock)) + MaxBlock;
        return (floats + 15) / 16 * 16;
    }
}
