namespace InferenceHost.Engines.Gguf.Products;

/// <summary>Memory that all products share: each needs it for the time of one node (tiles also while nodes with the same inputs follow).</summary>
internal unsafe struct ProductBuffers
{
    public byte* Tiles;

    /// <summary>Per thread a part of a panel, and room for what all rows have of the last panel.</summary>
    public byte* Scratch;

    public nint ScratchBytes;
}
