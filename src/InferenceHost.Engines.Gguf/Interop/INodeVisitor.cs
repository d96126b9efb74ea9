namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Sees every node of a graph before libllama computes it, and may rewrite it.</summary>
internal unsafe interface INodeVisitor
{
    void Visit(ggml_tensor* node);
}
