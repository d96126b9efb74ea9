namespace InferenceHost.Engines.Gguf;

/// <summary>Where a model runs.</summary>
public enum GgufDevice
{
    /// <summary>A CUDA device where there is one, else the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>The first CUDA device, with all layers on it; an error where there is none.</summary>
    Cuda,
}
