namespace InferenceHost.Core.Sampling;

/// <summary>
/// How the next token of one sequence is chosen. The processors apply in this order: repetition penalty, frequency and presence penalty,
/// logit bias, temperature, top-k, top-p, min-p, typical-p. Every default switches its processor off.
/// Check with <see cref="SamplingParametersValidator"/> before use.
/// </summary>
/// <remarks>
/// Definitions are those of the logits processors of Hugging Face transformers (repetition penalty, temperature, top-k, top-p, min-p, typical-p)
/// and of the OpenAI API reference (frequency and presence penalty, logit bias).
/// </remarks>
public sealed record SamplingParameters
{
    /// <summary>Below this temperature sampling is greedy: the quotient of logits would leave the range of a float.</summary>
    public const float GreedyBelowTemperature = 1e-5f;

    // Before the instances below, whose initialisers read it.
    private static readonly Dictionary<int, float> NoBias = [];

    /// <summary>Temperature 1, nothing cut off, seed 0.</summary>
    public static SamplingParameters Default { get; } = new();

    /// <summary>The most probable token of every step (ties: the lowest id).</summary>
    public static SamplingParameters Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Logits are divided by it; 0 (and anything below <see cref="GreedyBelowTemperature"/>) = greedy.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keeps the k largest logits and whatever equals the smallest of them; 0 = off (Fan et al. 2018, arXiv:1805.04833).</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set of most probable tokens whose mass reaches it; 1 = off, 0 = only the best (Holtzman et al. 2020, arXiv:1904.09751).</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keeps tokens of at least this fraction of the best token's probability; 0 = off (Nguyen et al. 2024, arXiv:2407.01082).</summary>
    public float MinP { get; init; }

    /// <summary>Keeps the mass whose information is nearest to the entropy; 1 = off (Meister et al. 2022, arXiv:2202.00666).</summary>
    public float TypicalP { get; init; } = 1;

    /// <summary>Divides positive and multiplies negative logits of tokens in the history; 1 = off (Keskar et al. 2019, arXiv:1909.05858).</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once per occurrence in the history; 0 = off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once if the token is in the history; 0 = off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many of the last tokens (prompt and output) the three penalties look at; null = all, 0 = none.</summary>
    public int? PenaltyWindowTokens { get; init; }

    /// <summary>Added to the logits of single tokens, after the penalties and before the temperature.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = NoBias;

    /// <summary>Seed of the counter-based generator: same seed, same position, same distribution = same token.</summary>
    public ulong Seed { get; init; }

    /// <summary>Null = no log-probabilities; 0 = of the chosen token alone; n = also of the n most probable tokens.</summary>
    public int? Logprobs { get; init; }

    /// <summary>Whether the most probable token is taken without drawing.</summary>
    public bool IsGreedy => Temperature < GreedyBelowTemperature;

    /// <summary>Whether any of the three penalties looks at the history.</summary>
    public bool UsesHistory =>
        PenaltyWindowTokens != 0 && (RepetitionPenalty != 1 || FrequencyPenalty != 0 || PresencePenalty != 0);
}
