namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Memory that all products share: each needs it for the time of one node (tiles also while nodes with the same inputs follow).</summary>
internal unsafe struct ProductBuffers
{
    public byte* Tiles;

    /// <summary>Per thread a panel and room for the results of a tile.</summary>
    public byte* Scratch;

    public nint ScratchBytes;
}
