namespace InferenceHost.Engines.Gguf.Products;

/// <summary>A weight as ggml holds it: <see cref="Columns"/> outputs of <see cref="Blocks"/> blocks of inputs.</summary>
internal unsafe struct ProductWeight
{
    public byte* Data;

    /// <summary>Bytes between columns, where they are not interleaved.</summary>
    public nint Stride;

    public int Columns;

    public int Blocks;

    public WeightFormat Format;

    public readonly int Panels => (Columns + ProductLayout.PanelColumns - 1) / ProductLayout.PanelColumns;
}
