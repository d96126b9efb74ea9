using System.Globalization;

namespace InferenceHost.Core.Speculation;

/// <summary>How an <see cref="NgramDrafter"/> matches, how far it drafts and when it gives up.</summary>
public sealed record NgramDrafterOptions
{
    /// <summary>The usual choice.</summary>
    public static NgramDrafterOptions Default { get; } = new();

    /// <summary>Shortest end of the text that must occur earlier, in tokens (1 to <see cref="MaxMatchTokens"/>).</summary>
    public int MinMatchTokens { get; init; } = 2;

    /// <summary>Longest end of the text that is looked up; longer matches are tried first (at most 8).</summary>
    public int MaxMatchTokens { get; init; } = 4;

    /// <summary>Most tokens of one draft (1 to 64).</summary>
    public int MaxDraftTokens { get; init; } = 8;

    /// <summary>Drafting pauses when the running share of accepted tokens falls below it (0 to 1; 0 = never).</summary>
    public float LeastAcceptance { get; init; } = 0.25f;

    /// <summary>Output tokens of the first pause; each pause that follows without a recovery is twice as long (1 to 65,536).</summary>
    public int PauseTokens { get; init; } = 32;

    /// <summary>All violations; empty when the options are usable.</summary>
    public IReadOnlyList<FieldError> Validate()
    {
        var errors = new List<FieldError>();
        Range(errors, "min_match_tokens", MinMatchTokens, 1, MaxMatchTokens);
        Range(errors, "max_match_tokens", MaxMatchTokens, 1, 8);
        Range(errors, "max_draft_tokens", MaxDraftTokens, 1, 64);
        Range(errors, "pause_tokens", PauseTokens, 1, 65_536);
        if (!(LeastAcceptance is >= 0 and <= 1))
            errors.Add(new FieldError("least_acceptance", LeastAcceptance.ToString(CultureInfo.InvariantCulture), "0 to 1"));
        return errors;
    }

    private static void Range(List<FieldError> errors, string field, int value, int least, int most)
    {
        if (value < least || value > most)
            errors.Add(new FieldError(field, value.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{least} to {most}")));
    }
}
