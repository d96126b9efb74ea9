namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Neighbouring rows of a batch that look at nearly the same cells: a prefill chunk, the rows of a draft, or one decode row.</summary>
internal struct AttentionGroup
{
    public int FirstRow;
    public int Rows;

    /// <summary>Where its cells begin in the plan's list; they are those that any of its rows sees.</summary>
    public int FirstCell;

    public int Cells;

    /// <summary>Where its masks begin in the plan's list: per row one word for each tile of 64 cells. -1 = every row sees every cell.</summary>
    public int FirstMask;

    /// <summary>Parts that its cells are worked on in.</summary>
    public int Parts;

    /// <summary>Number of its first part among the parts of all groups.</summary>
    public int FirstPart;

    public readonly int Tiles => (Cells + AttentionPlan.TileCells - 1) / AttentionPlan.TileCells;
}
