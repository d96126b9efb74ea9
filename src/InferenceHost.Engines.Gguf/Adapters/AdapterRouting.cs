namespace InferenceHost.Engines.Gguf.Adapters;

/// <summary>How adapters reach the rows of a batch.</summary>
public enum AdapterRouting
{
    /// <summary>Each row its own adapter where the graph allows it, which is tested at load; else as <see cref="Grouped"/>.</summary>
    Auto,

    /// <summary>One adapter per call, through llama.cpp itself; every change makes it plan its graphs anew.</summary>
    Grouped,
}
