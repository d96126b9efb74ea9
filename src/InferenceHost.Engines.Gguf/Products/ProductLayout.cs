namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// How operands lie before the kernel. A panel is sixteen columns of a weight (rows of ggml's tensor), block by block of inputs: sixteen scales (float), where the
/// format has them sixteen offsets (float), then for every four inputs sixteen times four unsigned bytes, quant + 128; a weight is scale * quant + offset. Activations
/// are tiles of up to <see cref="MaxRows"/> rows, block by block: for every row its signed bytes, their scale (float), -128 times their sum (int), which takes the 128 of
/// the quants out again, and scale times sum (float), which offsets are multiplied by.
/// </summary>
/// <param name="BlockInputs">Inputs per block: what one scale is for; 16 or 32.</param>
/// <param name="HasOffsets">Whether weights have offsets.</param>
internal readonly record struct ProductLayout(int BlockInputs, bool HasOffsets)
{
    /// <summary>Columns of a panel: floats of a 512-bit vector.</summary>
    public const int PanelColumns = 16;

    /// <summary>Rows of a tile at most: as many as registers hold sums for.</summary>
    public const int MaxRows = 12;

    /// <summary>Inputs that one multiplication adds up.</summary>
    public const int InputsPerLane = 4;

    /// <summary>What a quant is stored above its value.</summary>
    public const int Bias = 128;

    /// <summary>Bytes of sixteen floats.</summary>
    public const int VectorBytes = PanelColumns * sizeof(float);

    /// <summary>Blocks of 32 with a scale.</summary>
    public static ProductLayout Scaled => new(32, false);

    /// <summary>Blocks of 32 with a scale and an offset.</summary>
    public static ProductLayout Offset => new(32, true);

    /// <summary>Blocks of 16 with a scale.</summary>
    public static ProductLayout Narrow => new(16, false);

    /// <summary>Which of the three it is: 0, 1, 2 as above.</summary>
    public int Number => HasOffsets ? 1 : BlockInputs == 16 ? 2 : 0;

    /// <summary>Bytes before the quants of a panel's block.</summary>
    public int HeaderBytes => HasOffsets ? 2 * VectorBytes : VectorBytes;

    public int PanelBlockBytes => HeaderBytes + (PanelColumns * BlockInputs);

    public int ScaleAt => BlockInputs;

    public int SumAt => BlockInputs + sizeof(float);

    public int ScaledSumAt => BlockInputs + (2 * sizeof(float));

    public int ActivationBlockBytes => BlockInputs + (3 * sizeof(float));

    /// <summary>Tiles for this many rows.</summary>
    public static int Tiles(int rows) => (rows + MaxRows - 1) / MaxRows;

    /// <summary>The first row of a tile: rows are spread evenly.</summary>
    public static int FirstRow(int tile, int tiles, int rows) => (int)((long)rows * tile / tiles);
}
