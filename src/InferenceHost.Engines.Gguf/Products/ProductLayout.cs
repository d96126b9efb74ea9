namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// How operands lie before the kernel. A panel is sixteen columns of a weight (rows of ggml's tensor), block by block of 32 inputs: sixteen scales (float), then for
/// every four inputs sixteen times four unsigned bytes, weight + 128. Activations are tiles of up to <see cref="MaxRows"/> rows, block by block: for every row 32
/// signed bytes, their scale (float) and -128 times their sum (int), which takes the 128 of the weights out again.
/// </summary>
internal static class ProductLayout
{
    /// <summary>Inputs per block: what one scale is for.</summary>
    public const int BlockInputs = 32;

    /// <summary>Columns of a panel: floats of a 512-bit vector.</summary>
    public const int PanelColumns = 16;

    /// <summary>Rows of a tile at most: as many as registers hold sums for.</summary>
    public const int MaxRows = 12;

    /// <summary>Inputs that one multiplication adds up.</summary>
    public const int InputsPerLane = 4;

    /// <summary>What a weight is stored above its value.</summary>
    public const int WeightBias = 128;

    public const int ScaleBytes = PanelColumns * sizeof(float);
    public const int PanelBlockBytes = ScaleBytes + (PanelColumns * BlockInputs);

    public const int ActivationScaleAt = BlockInputs, ActivationSumAt = BlockInputs + sizeof(float);
    public const int ActivationBlockBytes = BlockInputs + (2 * sizeof(float));

    /// <summary>Tiles for this many rows.</summary>
    public static int Tiles(int rows) => (rows + MaxRows - 1) / MaxRows;

    /// <summary>The first row of a tile: rows are spread evenly.</summary>
    public static int FirstRow(int tile, int tiles, int rows) => (int)((long)rows * tile / tiles);
}
