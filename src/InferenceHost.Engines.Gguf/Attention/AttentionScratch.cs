namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A thread's scratch memory, cut into what the kernel keeps there.</summary>
internal readonly unsafe struct AttentionScratch
{
    // More than the queries that are worked on together, so that what follows stays aligned.
    private const int MaxTogether = 16;
    private const int Queries = AttentionPlan.MaxQueries;
    private const int Tile = AttentionPlan.TileCells;

    public AttentionScratch(float* start, int keySize, int valueSize)
    {
        Queried = start;
        Results = Queried + (Queries * keySize);
        Keys = Results + (Queries * valueSize);
        Turned = Keys + (Tile * keySize);
        Values = Turned + (Tile * keySize);
        Scores = Values + (Tile * valueSize);
        Maxima = Scores + (Tile * MaxTogether);
        Sums = Maxima + Queries;
        Fading = Sums + Queries;
    }

    private AttentionScratch(in AttentionScratch other, int query, int keySize, int valueSize)
    {
        this = other;
        Queried += query * keySize;
        Results += query * valueSize;
        Maxima += query;
        Sums += query;
    }

    /// <summary>Queries times their factors.</summary>
    public float* Queried { get; }

    /// <summary>Weighted values per query, not yet divided by the sum.</summary>
    public float* Results { get; }

    /// <summary>A tile of keys as floats.</summary>
    public float* Keys { get; }

    /// <summary>The same as [<c>keySize</c>][cell].</summary>
    public float* Turned { get; }

    /// <summary>A tile of values as floats.</summary>
    public float* Values { get; }

    /// <summary>Scores of a tile, then their weights: [query][cell] for the queries that are worked on together.</summary>
    public float* Scores { get; }

    /// <summary>Greatest score of each query so far, to base 2.</summary>
    public float* Maxima { get; }

    /// <summary>Sum of each query's weights.</summary>
    public float* Sums { get; }

    /// <summary>What the results so far are to be multiplied by, for the queries that are worked on together.</summary>
    public float* Fading { get; }

    /// <summary>The same memory for queries from this number on.</summary>
    public AttentionScratch From(int query, AttentionSite* site) => new(this, query, site->KeySize, site->ValueSize);

    /// <summary>Floats that a thread needs for rows of these sizes.</summary>
    public static nint Floats(int keySize, int valueSize)
    {
        var floats = (Queries * (keySize + valueSize + 2)) + (Tile * ((2 * keySize) + valueSize + MaxTogether)) + MaxTogether;
        return (floats + 15) / 16 * 16;
    }
}
