namespace InferenceHost.Engines.Gguf.Tokenization;

/// <summary>Tokens, or why there are none.</summary>
public sealed record TokenizeResult
{
    /// <summary>How it ended.</summary>
    public required TokenizeStatus Status { get; init; }

    /// <summary>Token ids; empty unless <see cref="TokenizeStatus.Completed"/>.</summary>
    public int[] Tokens { get; init; } = [];

    /// <summary>A lower bound of the number of tokens where the text was <see cref="TokenizeStatus.TooLong"/>.</summary>
    public int AtLeastTokens { get; init; }

    /// <summary>Where the text is <see cref="TokenizeStatus.InvalidText"/>: number of the segment.</summary>
    public int InvalidSegment { get; init; }

    /// <summary>Where the text is <see cref="TokenizeStatus.InvalidText"/>: UTF-16 index of the lone surrogate in its segment.</summary>
    public int InvalidIndex { get; init; }
}
