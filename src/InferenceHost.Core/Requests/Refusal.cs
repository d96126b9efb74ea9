namespace InferenceHost.Core.Requests;

/// <summary>An expected "no": what is wrong, with the numbers.</summary>
/// <param name="Kind">Class of the refusal.</param>
/// <param name="Reason">UPPER_SNAKE_CASE name for programs.</param>
/// <param name="Message">One sentence for people, with what to do next.</param>
/// <param name="Field">Field of the request where <paramref name="Kind"/> is InvalidArgument.</param>
/// <param name="Found">Number found.</param>
/// <param name="Allowed">Number allowed.</param>
/// <param name="RetryAfter">When trying again may help.</param>
public sealed record Refusal(
    RefusalKind Kind,
    string Reason,
    string Message,
    string? Field = null,
    double? Found = null,
    double? Allowed = null,
    TimeSpan? RetryAfter = null);
