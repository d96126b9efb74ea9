namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>A tile of a group's cells for one key-value head, and what comes after it.</summary>
internal readonly unsafe struct AttentionTile
{
    // Cells of the part from this tile on.
    private readonly int _left;

    public AttentionTile(AttentionSite* site, AttentionGroup* group, in AttentionPart part, int index, int head)
    {
        Site = site;
        Group = group;
        (Index, Head) = (index, head);
        Cells = site->Plan.Cells + group->FirstCell + (index * AttentionPlan.TileCells);
        Count = Math.Min(AttentionPlan.TileCells, group->Cells - (index * AttentionPlan.TileCells));
        _left = Math.Min(group->Cells, (part.FirstTile + part.Tiles) * AttentionPlan.TileCells) - (index * AttentionPlan.TileCells);
    }

    public AttentionSite* Site { get; }

    public AttentionGroup* Group { get; }

    /// <summary>Number among the group's tiles.</summary>
    public int Index { get; }

    public int Head { get; }

    /// <summary>Numbers of its cells in the cache.</summary>
    public int* Cells { get; }

    public int Count { get; }

    public int Queries => Group->Rows * Site->Sharing;

    /// <summary>The head's keys in the cache's first cell.</summary>
    public byte* Keys => Site->K + (Head * Site->KHead);

    /// <summary>The head's values in the cache's first cell.</summary>
    public byte* Values => Site->V + (Head * Site->VHead);

    /// <summary>Keys of as many cells as a tile has at most, so many behind this tile's first; none behind the part.</summary>
    public RowsAhead KeysAhead(int distance) => new(Keys, Site->KCell, Site->KHead, Cells + distance, _left - distance);

    /// <summary>The same of values.</summary>
    public RowsAhead ValuesAhead(int distance) => new(Values, Site->VCell, Site->VHead, Cells + distance, _left - distance);
}
