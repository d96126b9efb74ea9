namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>One attention node: softmax(scale q k^T + mask) v, per head, with strides in bytes as ggml lays them out.</summary>
internal unsafe struct AttentionSite
{
    /// <summary>Who looks at which cells, this call.</summary>
    public AttentionView Plan;

    /// <summary>Queries, floats: [row][head][<see cref="KeySize"/>].</summary>
    public byte* Q;

    public nint QRow;
    public nint QHead;

    /// <summary>Keys: [cell][key-value head][<see cref="KeySize"/>] in the cache's format.</summary>
    public byte* K;

    public nint KCell;
    public nint KHead;

    /// <summary>Values: [cell][key-value head][<see cref="ValueSize"/>].</summary>
    public byte* V;

    public nint VCell;
    public nint VHead;

    /// <summary>Results, floats: [row][head][<see cref="ValueSize"/>], dense.</summary>
    public float* Out;

    /// <summary>Logits per head that take part in the softmax without a value; null = none.</summary>
    public float* Sinks;

    public int KeySize;
    public int ValueSize;
    public int Heads;

    /// <summary>Query heads per key-value head.</summary>
    public int Sharing;

    /// <summary>Factor of q k^T.</summary>
    public float Scale;

    /// <summary>Bound c of c tanh(x / c); 0 = none.</summary>
    public float SoftCap;

    public AttentionBuffers* Buffers;

    public AttentionVariant Variant;

    /// <summary>Queue of work: the next number that nobody has taken.</summary>
    public int Next;

    /// <summary>Floats of one part and key-value head in <see cref="AttentionBuffers.Partial"/>.</summary>
    public readonly nint PartialFloats => (nint)Plan.DividedRows * Sharing * (2 + ValueSize);

    /// <summary>Key-value heads.</summary>
    public readonly int KvHeads => Heads / Sharing;
}
