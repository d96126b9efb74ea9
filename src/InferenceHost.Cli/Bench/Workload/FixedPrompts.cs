namespace InferenceHost.Cli.Bench.Workload;

/// <summary>A given list of prompts, in turn.</summary>
internal sealed class FixedPrompts(IReadOnlyList<BenchPrompt> prompts) : IPromptSource
{
    /// <inheritdoc/>
    public BenchPrompt Next(int ordinal, int? length, SeededRandom random) => prompts[ordinal % prompts.Count];
}
