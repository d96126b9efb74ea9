using InferenceHost.Core.Requests;
using InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Worker;

/// <summary>Refusals of the loop as frames.</summary>
internal static class Failures
{
    public static Failure From(Refusal refusal)
    {
        var failure = new Failure
        {
            Kind = refusal.Kind switch
            {
                RefusalKind.InvalidArgument => FailureKind.InvalidArgument,
                RefusalKind.NotFound => FailureKind.NotFound,
                RefusalKind.Overloaded => FailureKind.Overloaded,
                RefusalKind.TenantLimit => FailureKind.TenantLimit,
                RefusalKind.Deadline => FailureKind.Deadline,
                RefusalKind.Stopping => FailureKind.Stopping,
                _ => FailureKind.Internal,
            },
            Reason = refusal.Reason,
            Message = refusal.Message,
            Field = refusal.Field ?? "",
            RetryAfterMs = (int)(refusal.RetryAfter ?? TimeSpan.Zero).TotalMilliseconds,
        };
        if (refusal.Found is { } found) failure.Found = found;
        if (refusal.Allowed is { } allowed) failure.Allowed = allowed;
        return failure;
    }

    public static FromWorker Precondition(string reason, string message) =>
        new() { Failure = new Failure { Kind = FailureKind.FailedPrecondition, Reason = reason, Message = message } };
}
