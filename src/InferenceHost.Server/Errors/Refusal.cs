using InferenceHost.Protocol.V1;

namespace InferenceHost.Server.Errors;

/// <summary>An expected bad outcome as a value: why a call is refused or ends, with everything its status needs.</summary>
/// <param name="Kind">Decides the status code.</param>
/// <param name="Reason">UPPER_SNAKE_CASE word for machines (<c>ErrorInfo.reason</c>).</param>
/// <param name="Message">One or two sentences for people: what happened and what to do.</param>
internal sealed record Refusal(RefusalKind Kind, string Reason, string Message)
{
    /// <summary>Fields out of range.</summary>
    public IReadOnlyList<FieldViolation> Violations { get; init; } = [];

    /// <summary>When trying again helps.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Type and name of what was not found.</summary>
    public (string Type, string Name)? Resource { get; init; }

    /// <summary>What a stream had used when it ended.</summary>
    public Usage? Usage { get; init; }

    /// <summary>More for machines (<c>ErrorInfo.metadata</c>).</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    private static readonly Dictionary<string, string> NoMetadata = [];

    /// <summary>One field out of range.</summary>
    public static Refusal Field(string field, string found, string allowed) =>
        Fields([new FieldViolation(field, found, allowed)]);

    /// <summary>Fields out of range.</summary>
    public static Refusal Fields(IReadOnlyList<FieldViolation> violations) =>
        new(RefusalKind.InvalidArgument, "INVALID_FIELD", string.Join("; ", violations.Select(v => $"{v.Field}: {v.Description}")))
        {
            Violations = violations,
        };

    /// <summary>No model of that name is served.</summary>
    public static Refusal ModelNotFound(string name) =>
        new(RefusalKind.NotFound, "MODEL_NOT_FOUND", $"model '{name}' is not the one that is loaded; leave the field out or ask Models/List")
        {
            Resource = ("model", name),
        };

    /// <summary>No adapter of that name.</summary>
    public static Refusal AdapterNotFound(string name) =>
        new(RefusalKind.NotFound, "ADAPTER_NOT_FOUND", $"adapter '{name}' is not known; ask Adapters/List or upload it with Adapters/Put")
        {
            Resource = ("adapter", name),
        };

    /// <summary>The engine died under the call.</summary>
    public static Refusal EngineRestarted(string cause) =>
        new(RefusalKind.EngineRestarted, "ENGINE_RESTARTED", $"the engine process ended while it served this call ({cause}); it is being started again")
        {
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    /// <summary>The server takes no new calls.</summary>
    public static Refusal Draining { get; } =
        new(RefusalKind.Unavailable, "DRAINING", "the server is shutting down and takes no new calls")
        {
            RetryAfter = TimeSpan.FromSeconds(5),
        };

    /// <summary>The client is gone.</summary>
    public static Refusal Cancelled { get; } = new(RefusalKind.Cancelled, "CANCELLED", "the call was cancelled by the client");

    /// <summary>The client does not read.</summary>
    public static Refusal Stalled { get; } = new(RefusalKind.Stalled, "READER_STALLED", "the client stopped reading the stream");

    /// <summary>The deadline passed.</summary>
    public static Refusal DeadlineExceeded { get; } = new(RefusalKind.Deadline, "DEADLINE_EXCEEDED", "the deadline of the call passed");
}
