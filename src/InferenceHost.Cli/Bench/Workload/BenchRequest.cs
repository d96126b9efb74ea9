namespace InferenceHost.Cli.Bench.Workload;

/// <summary>One request, the same for every target.</summary>
internal sealed record BenchRequest
{
    /// <summary>Name in <c>--adapters</c> that stands for "no adapter".</summary>
    public const string BaseAdapter = "base";

    /// <summary>What to continue.</summary>
    public required BenchPrompt Prompt { get; init; }

    /// <summary>Tokens to generate at most.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Adapter; <see langword="null"/> = the base model.</summary>
    public string? Adapter { get; init; }

    /// <summary>Go on behind end-of-generation tokens, so that every request has the same length.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>0 = greedy.</summary>
    public float Temperature { get; init; }

    /// <summary>Seed of the sampler.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether the server may reuse cached cells where its protocol lets a request say so.</summary>
    public bool CachePrompt { get; init; }
}
