namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Sees every node of a graph before libllama computes it, and may rewrite it.</summary>
internal unsafe interface INodeVisitor
{
    void Visit(ggml_tensor* node);

    /// <summary>Whether the coming call's nodes have to be seen even where its graph is used again; those of a new graph always are.</summary>
    bool NeedsNodes => true;
}
