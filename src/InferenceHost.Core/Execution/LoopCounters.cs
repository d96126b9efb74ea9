namespace InferenceHost.Core.Execution;

/// <summary>A reading of the loop's counters, taken between two steps. Totals count from the start.</summary>
public sealed record LoopCounters
{
    /// <summary>Sequences that run now.</summary>
    public required int Running { get; init; }

    /// <summary>Sequences that wait now.</summary>
    public required int Waiting { get; init; }

    /// <summary>KV cells that hold a token now.</summary>
    public required int UsedCells { get; init; }

    /// <summary>KV cells in all.</summary>
    public required int TotalCells { get; init; }

    /// <summary>Cells that only the prefix cache holds.</summary>
    public required int CachedCells { get; init; }

    /// <summary>Engine calls.</summary>
    public required long Steps { get; init; }

    /// <summary>Engine calls that failed and were rolled back.</summary>
    public required long FailedSteps { get; init; }

    /// <summary>Prompt tokens computed.</summary>
    public required long PrefillTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    public required long DecodeTokens { get; init; }

    /// <summary>Prompt tokens taken from the prefix cache.</summary>
    public required long PrefixHitTokens { get; init; }

    /// <summary>Sequences that lost their place and wait to go on.</summary>
    public required long Preemptions { get; init; }

    /// <summary>Tokens of preempted sequences whose state was saved to host memory.</summary>
    public required long SwappedOutTokens { get; init; }

    /// <summary>Tokens that came back from host memory instead of being computed again.</summary>
    public required long SwappedInTokens { get; init; }

    /// <summary>Host memory that saved states hold now, bytes.</summary>
    public required long SwapBytesHeld { get; init; }

    /// <summary>Sequences that ended, for whatever reason.</summary>
    public required long Finished { get; init; }

    /// <summary>Requests refused at admission.</summary>
    public required long Refused { get; init; }

    /// <summary>Draft tokens proposed.</summary>
    public required long DraftTokens { get; init; }

    /// <summary>Draft tokens that were right.</summary>
    public required long AcceptedDraftTokens { get; init; }

    /// <summary>Adapter slots in use now.</summary>
    public required int AdapterSlotsUsed { get; init; }

    /// <summary>Copies into an adapter slot.</summary>
    public required long AdapterLoads { get; init; }

    /// <summary>Adapters that left their slot for another.</summary>
    public required long AdapterEvictions { get; init; }

    /// <summary>KV cells acquired.</summary>
    public required long CellsAcquired { get; init; }

    /// <summary>KV cells released; equal to <see cref="CellsAcquired"/> when nothing is held.</summary>
    public required long CellsReleased { get; init; }
}
