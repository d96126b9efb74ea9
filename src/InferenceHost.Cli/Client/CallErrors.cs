using System.Net.Sockets;
using Google.Rpc;
using Grpc.Core;
using InferenceHost.Cli.Output;
using RpcStatus = Google.Rpc.Status;

namespace InferenceHost.Cli.Client;

/// <summary>The one place that turns the outcome of a call into a message and an exit code.</summary>
internal static class CallErrors
{
    /// <summary>Explains a failed call with the details the server sent along.</summary>
    public static ErrorReport Explain(RpcException exception, EndpointAddress endpoint)
    {
        RpcStatus? status = ReadStatus(exception);
        bool unreachable = exception is { StatusCode: StatusCode.Unavailable } && status is null && (HasCause<HttpRequestException>(exception) || HasCause<SocketException>(exception));
        ErrorInfo? info = status?.GetDetail<ErrorInfo>();
        return new ErrorReport
        {
            ExitCode = ToExitCode(exception.StatusCode),
            Message = unreachable ? $"no server answers at {endpoint}" : MessageOf(exception),
            Status = Spell(exception.StatusCode),
            // A reason that only repeats the status says nothing.
            Reason = info?.Reason == Spell(exception.StatusCode) ? null : info?.Reason,
            Facts = info?.Metadata.ToDictionary(m => m.Key, m => m.Value) ?? [],
            Fields = Fields(status),
            RetryAfter = status?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
            NextSteps = NextSteps(exception.StatusCode, status, unreachable),
        };
    }

    public static int ToExitCode(StatusCode status) => status switch
    {
        StatusCode.OK => ExitCode.Ok,
        StatusCode.InvalidArgument or StatusCode.OutOfRange => ExitCode.Usage,
        StatusCode.Unavailable => ExitCode.Unavailable,
        StatusCode.NotFound => ExitCode.NotFound,
        StatusCode.FailedPrecondition or StatusCode.AlreadyExists or StatusCode.Aborted => ExitCode.Conflict,
        StatusCode.ResourceExhausted => ExitCode.LimitReached,
        StatusCode.DeadlineExceeded => ExitCode.TimedOut,
        StatusCode.Cancelled => ExitCode.Cancelled,
        _ => ExitCode.Failure,
    };

    // Details that cannot be parsed must not hide the error itself.
    private static RpcStatus? ReadStatus(RpcException exception)
    {
        try
        {
            return exception.GetRpcStatus();
        }
        catch (Exception parsing) when (parsing is Google.Protobuf.InvalidProtocolBufferException or ArgumentException)
        {
            return null;
        }
    }

    private static string MessageOf(RpcException exception) =>
        exception.StatusCode == StatusCode.DeadlineExceeded && ReadStatus(exception) is null ? "the call did not end within --timeout"
        : exception.Status.Detail.Length > 0 ? exception.Status.Detail
        : $"the server answered {Spell(exception.StatusCode)} without an explanation";

    private static List<(string, string)> Fields(RpcStatus? status)
    {
        var fields = new List<(string, string)>();
        foreach (BadRequest.Types.FieldViolation violation in status?.GetDetail<BadRequest>()?.FieldViolations ?? [])
            fields.Add((violation.Field, violation.Description));
        if (status?.GetDetail<ResourceInfo>() is { } resource)
            fields.Add(($"{resource.ResourceType} '{resource.ResourceName}'", resource.Description));
        foreach (QuotaFailure.Types.Violation violation in status?.GetDetail<QuotaFailure>()?.Violations ?? [])
            fields.Add((violation.Subject, violation.Description));
        foreach (PreconditionFailure.Types.Violation violation in status?.GetDetail<PreconditionFailure>()?.Violations ?? [])
            fields.Add((violation.Subject, violation.Description));
        return fields;
    }

    private static List<string> NextSteps(StatusCode code, RpcStatus? status, bool unreachable)
    {
        var steps = new List<string>();
        foreach (Help.Types.Link link in status?.GetDetail<Help>()?.Links ?? [])
            steps.Add($"{link.Description}: {link.Url}");
        if (unreachable)
            steps.Add("Start one with 'inferencehost serve', or name another with --endpoint URL.");
        else if (code == StatusCode.Unavailable && status?.GetDetail<RetryInfo>() is null)
            steps.Add("'inferencehost status' shows what the server is doing; try again.");
        else if (status?.GetDetail<ErrorInfo>()?.Reason == "ADAPTER_DISK_FULL")
            steps.Add("'inferencehost adapters list' shows what is kept, 'adapters remove NAME' makes room; 'serve --adapter-disk BYTES' sets how much there is.");
        else if (code == StatusCode.NotFound)
            steps.Add("'inferencehost models list' and 'inferencehost adapters list' show the names.");
        else if (code == StatusCode.AlreadyExists)
            steps.Add("'inferencehost adapters swap' replaces an adapter, 'adapters add --replace' whatever is there.");
        else if (code == StatusCode.Unimplemented)
            steps.Add("The server is older than this command: update one of the two.");
        return steps;
    }

    private static bool HasCause<T>(RpcException exception) where T : Exception
    {
        for (Exception? at = exception.Status.DebugException; at is not null; at = at.InnerException)
        {
            if (at is T)
                return true;
        }
        return false;
    }

    // StatusCode.NotFound -> NOT_FOUND, as specifications and other clients write it.
    private static string Spell(StatusCode code) =>
        code == StatusCode.OK ? "OK" : string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));
}
