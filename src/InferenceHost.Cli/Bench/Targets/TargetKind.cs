namespace InferenceHost.Cli.Bench.Targets;

/// <summary>Which protocol a target speaks.</summary>
internal enum TargetKind
{
    /// <summary><c>inferencehost.v1.Inference/Generate</c>, server streaming.</summary>
    Grpc,

    /// <summary>llama-server's own <c>POST /completion</c>, server-sent events.</summary>
    Llama,

    /// <summary>An OpenAI-style <c>/completions</c> or <c>/chat/completions</c>, server-sent events.</summary>
    OpenAi,
}
