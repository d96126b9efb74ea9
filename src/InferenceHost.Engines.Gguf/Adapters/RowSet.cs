namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>The adapted rows of one row count of the running batch: all its rows, or its output rows only.</summary>
internal unsafe struct RowSet
{
    public RowTile* Tiles;
    public int TileCount;

    /// <summary>Whether there are so few tiles that the threads share each one, in two passes.</summary>
    public byte IsShared;
}
