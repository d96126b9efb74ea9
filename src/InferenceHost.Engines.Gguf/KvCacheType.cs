namespace InferenceHost.Engines.Gguf;

/// <summary>Element type of the KV cache.</summary>
public enum KvCacheType
{
    /// <summary>Half precision, 2 bytes per element.</summary>
    F16,

    /// <summary>8 bits in blocks of 32, 1.06 bytes per element.</summary>
    Q8_0,

    /// <summary>4 bits in blocks of 32, 0.56 bytes per element.</summary>
    Q4_0,
}
