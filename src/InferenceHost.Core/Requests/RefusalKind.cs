namespace InferenceHost.Core.Requests;

/// <summary>Why work is refused or ends in failure.</summary>
public enum RefusalKind
{
    /// <summary>A field is wrong or can never fit.</summary>
    InvalidArgument,

    /// <summary>Something named is not there.</summary>
    NotFound,

    /// <summary>A queue of the server is full; try again later.</summary>
    Overloaded,

    /// <summary>A limit of the tenant is reached; try again later.</summary>
    TenantLimit,

    /// <summary>The deadline passed, or cannot be met.</summary>
    Deadline,

    /// <summary>The loop is stopping.</summary>
    Stopping,

    /// <summary>The engine failed.</summary>
    Internal,
}
