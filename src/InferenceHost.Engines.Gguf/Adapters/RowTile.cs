namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>Rows of one batch with the same adapter slot; one unit of work. The slot's weights are read once for all of them.</summary>
internal unsafe struct RowTile
{
    /// <summary>Rows at most: the weights of a module stay in the first cache level while four rows at a time pass by.</summary>
    public const int MaxRows = 16;

    public int Slot;
    public int Count;
    public fixed int Rows[MaxRows];

    /// <summary>Factor on the adapter's strength per row.</summary>
    public fixed float Scales[MaxRows];
}
