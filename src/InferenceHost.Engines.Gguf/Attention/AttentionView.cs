namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A plan as the kernel reads it: native memory that stays where it is until the next call.</summary>
internal unsafe struct AttentionView
{
    public AttentionGroup* Groups;
    public AttentionPart* Parts;

    /// <summary>Cell numbers in the cache, group after group, ascending within one.</summary>
    public int* Cells;

    public ulong* Masks;
    /// <summary>Parts of each group that are not finished, [group][key-value head]; whoever puts a group together sets it again for the next node.</summary>
    public int* Pending;

    public int PartCount;
    public int GroupCount;

    /// <summary>Parts up to the last one of a group that has several; 0 = none has.</summary>
    public int DividedParts;

    /// <summary>Rows of the largest group that has several parts.</summary>
    public int DividedRows;
}
