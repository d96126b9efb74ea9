namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>How a way of routing keeps an adapter's numbers in host memory.</summary>
internal unsafe interface IAdapterLayout
{
    /// <summary>Highest rank that it can serve.</summary>
    int MaxRank { get; }

    /// <summary>Bytes of one module.</summary>
    long ByteLength(AdapterModule module, int rank);

    /// <summary>
    /// Writes one module to cleared memory: <paramref name="down"/> is A as [rank][inputs], <paramref name="up"/> is B as [outputs][rank], <paramref name="strength"/> is alpha / rank.
    /// Throws <see cref="OverflowException"/> where their product is too great for the numbers that are kept: infinite ones could reach rows of others.
    /// </summary>
    ModuleWeights Write(AdapterModule module, int rank, float strength, ReadOnlySpan<float> down, ReadOnlySpan<float> up, byte* at);
}
