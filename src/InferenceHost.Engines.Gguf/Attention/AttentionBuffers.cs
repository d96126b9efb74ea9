namespace InferenceHost.Engines.Gguf.Attention;

/// <summary>Memory that all attention nodes of a context share, one after the other. Nodes hold the address of this, so that it may grow while a graph is being rewritten.</summary>
internal unsafe struct AttentionBuffers
{
    /// <summary>Scratch of all threads, <see cref="ScratchFloats"/> apart.</summary>
    public float* Scratch;

    public nint ScratchFloats;

    /// <summary>Results of parts, [part][key-value head][query][maximum, sum, values], for groups that have more than one.</summary>
    public float* Partial;
}
