using InferenceHost.Engines.Gguf.Interop;

namespace InferenceHost.Engines.Gguf.Products;

/// <summary>What is kept of a rewritten node: its site, and its own parameters for the day it gets them back.</summary>
internal unsafe struct ProductNode
{
    public ProductSite Site;
    public fixed int Parameters[ggml_tensor.OpParams];
}
