namespace InferenceHost.Engines.Gguf.Products;

/// <summary>A weight as ggml holds it.</summary>
internal unsafe struct ProductWeight
{
    public byte* Data;

    /// <summary>Bytes between columns; interleaved ones lie as close.</summary>
    public nint Stride;

    /// <summary>Outputs.</summary>
    public int Columns;

    public int Inputs;

    public WeightFormat Format;

    /// <summary>How it is laid out for the kernel.</summary>
    public ProductLayout Layout;

    /// <summary>Blocks of the kernel.</summary>
    public readonly int Blocks => Inputs / Layout.BlockInputs;

    public readonly int Panels => (Columns + ProductLayout.PanelColumns - 1) / ProductLayout.PanelColumns;
}
