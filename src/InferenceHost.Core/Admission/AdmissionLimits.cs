namespace InferenceHost.Core.Admission;

/// <summary>Bounds on what is let in.</summary>
public sealed record AdmissionLimits
{
    /// <summary>New tokens where a request names no limit.</summary>
    public const int DefaultNewTokens = 512;

    /// <summary>Samples of one request at most.</summary>
    public const int MaxSamples = 16;

    /// <summary>Tokens of prompt and output of one sequence at most: the pool, or the model's trained context if that is less.</summary>
    public required int MaxSequenceTokens { get; init; }

    /// <summary>Waiting sequences at most, all tenants together.</summary>
    public int MaxWaiting { get; init; } = 4096;

    /// <summary>Waiting sequences of one tenant at most.</summary>
    public int MaxWaitingPerTenant { get; init; } = 2048;

    /// <summary>Tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Whether the engine has adapters.</summary>
    public required bool HasAdapters { get; init; }
}
