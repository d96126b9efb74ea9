namespace InferenceHost.Engines.Gguf.Products;

/// <summary>One matrix product of a graph: rows of floats times a weight.</summary>
internal unsafe struct ProductSite
{
    public ProductWeight Weight;

    /// <summary>Inputs, floats: [row][inputs].</summary>
    public byte* X;

    /// <summary>Bytes between rows of the inputs.</summary>
    public nint XStride;

    /// <summary>Results, floats: [row][column].</summary>
    public byte* Out;

    /// <summary>Bytes between rows of the results.</summary>
    public nint OutStride;

    public int Rows;

    /// <summary>Whether the tiles of the product before are those of this one: same inputs.</summary>
    public int HasTiles;

    public ProductBuffers* Buffers;

    /// <summary>Queues: the next row to round that nobody has taken, rows that are done, the next panel that nobody has taken.</summary>
    public int NextRow, RowsDone, NextPanel;
}
