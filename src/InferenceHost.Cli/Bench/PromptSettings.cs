using System.Globalization;
using InferenceHost.Cli.Bench.Targets;
using InferenceHost.Cli.Bench.Workload;

namespace InferenceHost.Cli.Bench;

/// <summary>Where prompts come from. At most one of ids and texts; texts are cut to length by a server's tokenizer where a length is asked for.</summary>
/// <param name="TokenIds">One fixed prompt of token ids.</param>
/// <param name="Texts">Fixed prompts of text.</param>
/// <param name="TextOrigin">Where the texts are from, for the report.</param>
/// <param name="Vocabulary">Without ids and texts: random ids below this.</param>
internal sealed record PromptSettings(int[]? TokenIds, IReadOnlyList<string>? Texts, string? TextOrigin, int Vocabulary)
{
    /// <summary>In words, for the report.</summary>
    public string Describe(WorkloadPlan plan)
    {
        var length = plan.Lengths is { } lengths
            ? string.Create(CultureInfo.InvariantCulture, $"log-normal lengths, mean {lengths.PromptMean} (sigma {lengths.PromptSigma}) in, {lengths.OutputMean} ({lengths.OutputSigma}) out")
            : plan.PromptLength is { } fixedLength ? $"{fixedLength} tokens" : null;
        if (TokenIds is not null) return $"one fixed prompt of {TokenIds.Length} token ids";
        if (Texts is not null) return length is null ? $"texts of {TextOrigin}" : $"windows of {TextOrigin}, {length}";
        return $"random token ids, {length ?? $"{RandomIdPrompts.DefaultLength} tokens"}";
    }

    /// <summary>The source, asking a target to tokenise where needed.</summary>
    /// <exception cref="BenchException">No target can tokenise, or the text has no tokens.</exception>
    public async Task<IPromptSource> CreateAsync(bool needsLength, IReadOnlyList<IBenchTarget> targets, CancellationToken cancellationToken)
    {
        if (TokenIds is not null) return new FixedPrompts([new BenchPrompt(TokenIds, null)]);
        if (Texts is null) return new RandomIdPrompts(Vocabulary);
        if (!needsLength) return new FixedPrompts([.. Texts.Select(text => new BenchPrompt(null, text))]);
        var corpus = string.Join("\n\n", Texts);
        foreach (var target in targets)
        {
            if (await target.TokenizeAsync(corpus, cancellationToken) is not { } tokens) continue;
            return tokens.Length > 0 ? new CorpusPrompts(tokens) : throw BenchException.Target(target.Spec.Name, $"finds no token in {TextOrigin}");
        }
        throw BenchException.Option("--prompt-length, --lengths", "cutting a text to length needs a grpc or llama target to tokenise it");
    }
}
