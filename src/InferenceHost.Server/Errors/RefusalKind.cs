namespace InferenceHost.Server.Errors;

/// <summary>What went wrong, in the server's own words; <see cref="StatusMapper"/> turns it into a gRPC status.</summary>
internal enum RefusalKind
{
    /// <summary>A field is out of its range.</summary>
    InvalidArgument,

    /// <summary>No such model or adapter (or not this tenant's).</summary>
    NotFound,

    /// <summary>A name that had to be new is taken.</summary>
    AlreadyExists,

    /// <summary>The request is right, the state is not, and waiting does not mend it.</summary>
    FailedPrecondition,

    /// <summary>A compare-and-swap lost.</summary>
    Conflict,

    /// <summary>Queues are full for everyone.</summary>
    Overloaded,

    /// <summary>A limit of this tenant.</summary>
    TenantLimit,

    /// <summary>Draining, restarting, starting.</summary>
    Unavailable,

    /// <summary>The engine process died while it served the call.</summary>
    EngineRestarted,

    /// <summary>The deadline passed or cannot be met.</summary>
    Deadline,

    /// <summary>The client is gone.</summary>
    Cancelled,

    /// <summary>The reader stopped reading.</summary>
    Stalled,

    /// <summary>A message is larger than the server takes.</summary>
    TooLarge,

    /// <summary>A bug or a native failure.</summary>
    Internal,
}
