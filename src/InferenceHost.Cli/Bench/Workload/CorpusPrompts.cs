namespace InferenceHost.Cli.Bench.Workload;

/// <summary>Real text of any wanted length: windows of a tokenised text, each from a random place, going round at its end.</summary>
internal sealed class CorpusPrompts(int[] tokens) : IPromptSource
{
    /// <inheritdoc/>
    public BenchPrompt Next(int ordinal, int? length, SeededRandom random)
    {
        var start = random.NextInt(0, tokens.Length);
        var ids = new int[length ?? RandomIdPrompts.DefaultLength];
        for (var i = 0; i < ids.Length; i++) ids[i] = tokens[(start + i) % tokens.Length];
        return new BenchPrompt(ids, null);
    }
}
