namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Some tiles of a group's cells for some key-value heads: the unit of work.</summary>
internal struct AttentionPart
{
    public int Group;

    /// <summary>Number among the parts of the cells of all groups, the same whatever the heads.</summary>
    public int Number;

    public int FirstTile;
    public int Tiles;
    public int FirstHead;
    public int Heads;
}
