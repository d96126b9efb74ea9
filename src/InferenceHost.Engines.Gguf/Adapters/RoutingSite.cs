namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>One place in a graph where adapters are added: a module's input rows x and output rows y.</summary>
internal unsafe struct RoutingSite
{
    /// <summary>Weights of all slots for this module, by slot.</summary>
    public ModuleWeights* Slots;

    public RowSet* Rows;
    public float* X;
    public float* Y;

    /// <summary>Floats from one row to the next.</summary>
    public nint XStride;

    public nint YStride;

    /// <summary>Scratch for A x: per tile (shared) or thread (not shared) <see cref="RowTile.MaxRows"/> rows of <see cref="ScratchRank"/> floats.</summary>
    public float* Scratch;

    public int ScratchRank;
    public int Inputs;
    public int Outputs;
    public int Module;

    /// <summary>Queue of tiles: the next one that nobody has taken.</summary>
    public int Next;

    public KernelVariant Kernel;

    /// <summary>Rows of the graph's node.</summary>
    public int RowCount;
}
