namespace InferenceHost.Engines.Gguf.Products;

/// <summary>
/// How operands lie before the kernel. A panel is sixteen columns of a weight (rows of ggml's tensor), block by block of inputs: sixteen scales (float), where the
/// format has them sixteen offsets (float), then for every <see cref="InputsPerLane"/> inputs sixteen times as many quants, each <see cref="Bias"/> above its value;
/// a weight is scale * quant + offset. Activations are tiles of up to <see cref="MaxRows"/> rows, block by block: for every row its rounded inputs in as many bytes as
/// a quant has, their scale (float), minus the bias times their sum (int), which takes the bias of the quants out again, and scale times sum (float), which offsets are multiplied by.
/// </summary>
/// <param name="BlockInputs">Inputs per block: what one scale is for; 16 or 32.</param>
/// <param name="HasOffsets">Whether weights have offsets.</param>
/// <param name="Instructions">What multiplies.</param>
internal readonly record struct ProductLayout(int BlockInputs, bool HasOffsets, ProductInstructions Instructions)
{
    /// <summary>Columns of a panel: floats of a 512-bit vector.</summary>
    public const int PanelColumns = 16;

    /// <summary>What a quant is stored above its value where it has one byte: VPDPBUSD wants one of its operands without sign.</summary>
    public const int ByteBias = 128;

    /// <summary>Bytes of sixteen floats.</summary>
    public const int VectorBytes = PanelColumns * sizeof(float);

    /// <summary>Kinds of layout: <see cref="Number"/> is below this.</summary>
    public const int Kinds = 6;

    private const int KindsPerInstructions = 3, LaneBytes = 4;

    /// <summary>Bytes of a quant and of a rounded input.</summary>
    public int QuantBytes => Instructions == ProductInstructions.Words256 ? sizeof(short) : sizeof(byte);

    public int Bias => Instructions == ProductInstructions.Words256 ? 0 : ByteBias;

    /// <summary>Inputs that one lane of a multiplication adds up.</summary>
    public int InputsPerLane => LaneBytes / QuantBytes;

    /// <summary>Rows of a tile at most: as many as registers hold sums for.</summary>
    public int MaxRows => MostRows(Instructions);

    /// <summary>Inputs of a panel that are unpacked at a time: with the rows beside them they stay in a first cache of 32 KiB.</summary>
    public int PartInputs => Instructions == ProductInstructions.Words256 ? 768 : 1024;

    /// <summary>Which of the kinds it is: scaled blocks of 32, those with offsets, scaled blocks of 16, for bytes and then for words.</summary>
    public int Number => (HasOffsets ? 1 : BlockInputs == 16 ? 2 : 0) + (Instructions == ProductInstructions.Words256 ? KindsPerInstructions : 0);

    /// <summary>Bytes before the quants of a panel's block.</summary>
    public int HeaderBytes => HasOffsets ? 2 * VectorBytes : VectorBytes;

    public int PanelBlockBytes => HeaderBytes + (PanelColumns * BlockInputs * QuantBytes);

    public int ScaleAt => BlockInputs * QuantBytes;

    public int SumAt => ScaleAt + sizeof(float);

    public int ScaledSumAt => ScaleAt + (2 * sizeof(float));

    public int ActivationBlockBytes => ScaleAt + (3 * sizeof(float));

    /// <summary>Rows of a tile at most, by what multiplies.</summary>
    public static int MostRows(ProductInstructions instructions) => instructions == ProductInstructions.Words256 ? 3 : 12;

    /// <summary>The layout of that number.</summary>
    public static ProductLayout Of(int number) => (number % KindsPerInstructions) switch
    {
        0 => new ProductLayout(32, false, InstructionsOf(number)),
        1 => new ProductLayout(32, true, InstructionsOf(number)),
        _ => new ProductLayout(16, false, InstructionsOf(number)),
    };

    /// <summary>Tiles for this many rows.</summary>
    public int Tiles(int rows) => (rows + MaxRows - 1) / MaxRows;

    /// <summary>The first row of a tile: rows are spread evenly.</summary>
    public static int FirstRow(int tile, int tiles, int rows) => (int)((long)rows * tile / tiles);

    private static ProductInstructions InstructionsOf(int number) => number < KindsPerInstructions ? ProductInstructions.Bytes512 : ProductInstructions.Words256;
}
