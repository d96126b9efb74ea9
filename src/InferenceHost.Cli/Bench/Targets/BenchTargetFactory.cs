namespace InferenceHost.Cli.Bench.Targets;

/// <summary>Makes the client for a <see cref="TargetSpec"/>.</summary>
internal static class BenchTargetFactory
{
    /// <summary>The client; nothing is connected yet.</summary>
    public static IBenchTarget Create(TargetSpec spec) => spec.Kind switch
    {
        TargetKind.Grpc => new GrpcTarget(spec),
        TargetKind.Llama => new LlamaServerTarget(spec),
        _ => new OpenAiTarget(spec),
    };
}
