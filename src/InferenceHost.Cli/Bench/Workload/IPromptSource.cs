namespace InferenceHost.Cli.Bench.Workload;

/// <summary>Where prompts come from. The same ordinal, length and generator give the same prompt.</summary>
internal interface IPromptSource
{
    /// <summary>The prompt of one request.</summary>
    /// <param name="ordinal">Number of the request within its round.</param>
    /// <param name="length">Tokens wanted; <see langword="null"/> = as long as the source has it.</param>
    /// <param name="random">Generator of this request.</param>
    BenchPrompt Next(int ordinal, int? length, SeededRandom random);
}
