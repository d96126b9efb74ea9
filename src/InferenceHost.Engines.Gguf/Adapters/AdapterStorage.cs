namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>How the weights of adapters are kept in memory. Reading them is what an adapter costs.</summary>
public enum AdapterStorage
{
    /// <summary>8 bits, one scale per rank (in stacks Q8_0): half the memory traffic of F16, the same greedy tokens on all our references.</summary>
    Int8,

    /// <summary>Half precision, as in the file.</summary>
    F16,
}
