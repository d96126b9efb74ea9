namespace InferenceHost.Engines.Gguf.Interop;

/// <summary>Gives nodes of a kind to a kernel of ours.</summary>
internal interface IKernelRewriter : INodeVisitor
{
    /// <summary>Whether nodes are rewritten; off, those that were get their own operation back.</summary>
    bool IsOn { get; set; }

    /// <summary>Nodes given to the kernel since <see cref="Begin"/>.</summary>
    int Rewritten { get; }

    /// <summary>Starts a call.</summary>
    void Begin();
}
