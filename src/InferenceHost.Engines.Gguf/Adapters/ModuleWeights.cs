namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>
/// One adapter's weights for one module, in native memory: A as <see cref="Rank"/> rows of the module's inputs, B as blocks of
/// <see cref="BlockOutputs"/> outputs, in each block <see cref="Rank"/> rows. Ranks are padded with zeros to a multiple of
/// <see cref="RankStep"/>, the last block to its full width. <see cref="Scales"/>[rank] folds alpha / rank and the scales of the storage.
/// </summary>
internal unsafe struct ModuleWeights
{
    public const int BlockOutputs = 64;
    public const int RankStep = 4;

    public byte* Down;
    public byte* Up;
    public float* Scales;

    /// <summary>Padded rank; 0 = the adapter leaves this module alone.</summary>
    public int Rank;

    public static int PadRank(int rank) => (rank + RankStep - 1) / RankStep * RankStep;

    public static int Blocks(int outputs) => (outputs + BlockOutputs - 1) / BlockOutputs;
}
