namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Some tiles of a group's cells: the unit of work, once per key-value head.</summary>
internal struct AttentionPart
{
    public int Group;
    public int FirstTile;
    public int Tiles;
}
