using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Wire = InferenceHost.Protocol.Worker.V1;

namespace InferenceHost.Server.Errors;

/// <summary>
/// The one place where outcomes become gRPC statuses with google.rpc details: ErrorInfo always, BadRequest with field and both numbers,
/// ResourceInfo where something was not found, RetryInfo and <c>grpc-retry-pushback-ms</c> where trying again helps.
/// </summary>
internal static class StatusMapper
{
    /// <summary><c>ErrorInfo.domain</c> of every error.</summary>
    public const string Domain = "inferencehost";

    /// <summary>Trailer that gRPC clients with a retry policy obey.</summary>
    public const string PushbackTrailer = "grpc-retry-pushback-ms";

    /// <summary>Trailer with the serialised google.rpc.Status.</summary>
    public const string DetailsTrailer = "grpc-status-details-bin";

    private const int MaxMessageChars = 800;
    private const int MaxValueChars = 200;

    /// <summary>The exception that ends a call with the refusal's status.</summary>
    public static RpcException ToException(Refusal refusal)
    {
        var status = ToStatus(refusal);
        var trailers = new Metadata { { DetailsTrailer, status.ToByteArray() } };
        if (refusal.RetryAfter is { } retry)
            trailers.Add(PushbackTrailer, ((long)retry.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        return new RpcException(new Grpc.Core.Status((StatusCode)status.Code, status.Message), trailers);
    }

    /// <summary>The google.rpc.Status of a refusal.</summary>
    public static Google.Rpc.Status ToStatus(Refusal refusal)
    {
        var message = Cut(refusal.Message, MaxMessageChars);
        var status = new Google.Rpc.Status { Code = (int)CodeOf(refusal.Kind), Message = message };
        var info = new ErrorInfo { Domain = Domain, Reason = refusal.Reason };
        foreach (var (key, value) in refusal.Metadata)
            info.Metadata[key] = Cut(value, MaxValueChars);
        status.Details.Add(Any.Pack(info));

        if (refusal.Violations.Count > 0)
        {
            var request = new BadRequest();
            foreach (var violation in refusal.Violations)
            {
                request.FieldViolations.Add(new BadRequest.Types.FieldViolation
                {
                    Field = Cut(violation.Field, MaxValueChars),
                    Description = Cut(violation.Description, MaxValueChars),
                });
            }
            status.Details.Add(Any.Pack(request));
        }
        if (refusal.Kind == RefusalKind.TenantLimit)
            status.Details.Add(Any.Pack(QuotaOf(refusal)));
        if (refusal.Resource is { } resource)
        {
            status.Details.Add(Any.Pack(new ResourceInfo
            {
                ResourceType = resource.Type,
                ResourceName = Cut(resource.Name, MaxValueChars),
                Description = message,
            }));
        }
        if (refusal.RetryAfter is { } retry)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retry) }));
        if (refusal.Usage is { } usage)
            status.Details.Add(Any.Pack(usage));
        return status;
    }

    /// <summary>The table of DESIGN: situation to code.</summary>
    public static StatusCode CodeOf(RefusalKind kind) => kind switch
    {
        RefusalKind.InvalidArgument => StatusCode.InvalidArgument,
        RefusalKind.NotFound => StatusCode.NotFound,
        RefusalKind.AlreadyExists => StatusCode.AlreadyExists,
        RefusalKind.FailedPrecondition => StatusCode.FailedPrecondition,
        RefusalKind.Conflict => StatusCode.Aborted,
        RefusalKind.TenantLimit or RefusalKind.TooLarge => StatusCode.ResourceExhausted,
        RefusalKind.Overloaded or RefusalKind.Unavailable or RefusalKind.EngineRestarted => StatusCode.Unavailable,
        RefusalKind.Deadline => StatusCode.DeadlineExceeded,
        RefusalKind.Cancelled or RefusalKind.Stalled => StatusCode.Cancelled,
        _ => StatusCode.Internal,
    };

    /// <summary>What the engine process refused, as a refusal of ours.</summary>
    public static Refusal FromFailure(Wire.Failure failure)
    {
        var kind = failure.Kind switch
        {
            Wire.FailureKind.InvalidArgument => RefusalKind.InvalidArgument,
            Wire.FailureKind.NotFound => RefusalKind.NotFound,
            Wire.FailureKind.FailedPrecondition => RefusalKind.FailedPrecondition,
            Wire.FailureKind.Overloaded => RefusalKind.Overloaded,
            Wire.FailureKind.TenantLimit => RefusalKind.TenantLimit,
            Wire.FailureKind.Stopping => RefusalKind.Unavailable,
            Wire.FailureKind.Deadline => RefusalKind.Deadline,
            _ => RefusalKind.Internal,
        };
        var refusal = new Refusal(kind, failure.Reason.Length > 0 ? failure.Reason : DefaultReason(kind), failure.Message)
        {
            RetryAfter = RetryOf(kind, failure.RetryAfterMs),
        };
        if (failure.Field.Length == 0)
            return refusal;
        var found = failure.HasFound ? Number(failure.Found) : failure.Message;
        var allowed = failure.HasAllowed ? Number(failure.Allowed) : "see message";
        return refusal with { Violations = [new FieldViolation(failure.Field, found, allowed)] };
    }

    // Errors echo names that clients chose, and travel in trailers, of which clients take 8 KiB in all.
    private static string Cut(string text, int max)
    {
        if (text.Length <= max)
            return text;
        var end = char.IsHighSurrogate(text[max - 1]) ? max - 1 : max;
        return text[..end] + "…";
    }

    private static TimeSpan? RetryOf(RefusalKind kind, int retryAfterMs) => kind switch
    {
        _ when retryAfterMs > 0 => TimeSpan.FromMilliseconds(retryAfterMs),
        RefusalKind.Overloaded or RefusalKind.TenantLimit or RefusalKind.Unavailable => TimeSpan.FromSeconds(1),
        _ => null,
    };

    private static QuotaFailure QuotaOf(Refusal refusal)
    {
        var quota = new QuotaFailure();
        quota.Violations.Add(new QuotaFailure.Types.Violation
        {
            Subject = refusal.Metadata.TryGetValue("tenant", out var tenant) ? tenant : "tenant",
            Description = refusal.Message,
        });
        return quota;
    }

    private static string DefaultReason(RefusalKind kind) => kind switch
    {
        RefusalKind.InvalidArgument => "INVALID_FIELD",
        RefusalKind.NotFound => "NOT_FOUND",
        RefusalKind.FailedPrecondition => "FAILED_PRECONDITION",
        RefusalKind.Overloaded => "OVERLOADED",
        RefusalKind.TenantLimit => "TENANT_LIMIT",
        RefusalKind.Unavailable => "ENGINE_STOPPING",
        RefusalKind.Deadline => "DEADLINE_EXCEEDED",
        _ => "ENGINE_FAILURE",
    };

    private static string Number(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}
