namespace InferenceHost.Text.Tokenization;

/// <summary>What a model file says about its tokenizer beside the pieces.</summary>
public sealed record VocabularySettings
{
    /// <summary>Beginning-of-sequence token, if the vocabulary has one.</summary>
    public int? BosId { get; init; }

    /// <summary>End-of-sequence token, if the vocabulary has one.</summary>
    public int? EosId { get; init; }

    /// <summary>The unknown token, if the vocabulary has one; absent, the first entry of type <see cref="TokenType.Unknown"/> is taken.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Whether a prompt begins with <see cref="BosId"/>.</summary>
    public bool AddBos { get; init; }

    /// <summary>Whether a prompt ends with <see cref="EosId"/>.</summary>
    public bool AddEos { get; init; }

    /// <summary>Where a space is put before text (GGUF's <c>add_space_prefix</c>: true = <see cref="SpacePrefix.EveryText"/>).</summary>
    public SpacePrefix SpacePrefix { get; init; } = SpacePrefix.EveryText;

    /// <summary>Whether spaces are trimmed at both ends and runs of them become one.</summary>
    public bool RemoveExtraSpaces { get; init; }
}
