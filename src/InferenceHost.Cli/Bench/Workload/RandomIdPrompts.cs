namespace InferenceHost.Cli.Bench.Workload;

/// <summary>Uniform random token ids: no two prompts share a prefix, so no cache can help anyone.</summary>
/// <param name="vocabulary">Ids are drawn from 100 (above most special tokens) to this, exclusive.</param>
internal sealed class RandomIdPrompts(int vocabulary) : IPromptSource
{
    /// <summary>Lowest id drawn.</summary>
    public const int LowestId = 100;

    /// <summary>Default upper end of the ids: within the vocabulary of nearly every model.</summary>
    public const int DefaultVocabulary = 16384;

    /// <summary>Tokens of a prompt where no length is asked for.</summary>
    public const int DefaultLength = 32;

    /// <inheritdoc/>
    public BenchPrompt Next(int ordinal, int? length, SeededRandom random)
    {
        var ids = new int[length ?? DefaultLength];
        for (var i = 0; i < ids.Length; i++) ids[i] = random.NextInt(LowestId, vocabulary);
        return new BenchPrompt(ids, null);
    }
}
