namespace InferenceHost.Text.ChatTemplates;

/// <summary>What one parse and one render may cost. The defaults leave room for prompts of some megabytes and end a hostile template within 100 ms.</summary>
public sealed record TemplateLimits
{
    /// <summary>The limits used when none are given.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>Longest template source, in UTF-16 units.</summary>
    public int MaxSourceChars { get; init; } = 1 << 20;

    /// <summary>Evaluated nodes, loop iterations and visited elements of one render.</summary>
    public int MaxSteps { get; init; } = 1_000_000;

    /// <summary>Nested macro calls, recursive loops and nested values.</summary>
    public int MaxDepth { get; init; } = 150;

    /// <summary>Longest text, rendered or intermediate, in UTF-16 units.</summary>
    public int MaxOutputChars { get; init; } = 4 << 20;

    /// <summary>All memory a render may ask for (text, lists, numbers), in bytes; what is freed in between is not given back.</summary>
    public long MaxAllocatedBytes { get; init; } = 96L << 20;

    /// <summary>Longest <c>range()</c>, in elements (the reference's sandbox has the same limit).</summary>
    public int MaxRangeLength { get; init; } = 100_000;
}
