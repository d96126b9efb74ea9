using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using InferenceHost.Server.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace InferenceHost.Server.Services;

/// <summary>
/// Adds google.rpc details to the errors that gRPC itself answers before a service is reached (a message over the limit, an unknown method, a body that
/// is no message), so that ErrorInfo is there always.
/// </summary>
internal sealed class ErrorDetailsMiddleware(RequestDelegate next, Hosting.ServerOptions options)
{
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
            return;
        var target = context.Response.HasStarted ? context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers : context.Response.Headers;
        if (target is null || target.IsReadOnly || !target.TryGetValue("grpc-status", out var code) || code == "0" || target.ContainsKey(StatusMapper.DetailsTrailer))
            return;
        var status = (StatusCode)int.Parse(code.ToString(), CultureInfo.InvariantCulture);
        var message = Uri.UnescapeDataString(target["grpc-message"].ToString());
        var refusal = Describe(status, message);
        var details = StatusMapper.ToStatus(refusal);
        // A message that cannot be read is the sender's mistake; gRPC calls it unknown. Everything else keeps its code.
        details.Code = (int)(status == StatusCode.Unknown ? StatusCode.InvalidArgument : status);
        target["grpc-status"] = details.Code.ToString(CultureInfo.InvariantCulture);
        target["grpc-message"] = Uri.EscapeDataString(refusal.Message);
        target[StatusMapper.DetailsTrailer] = Convert.ToBase64String(details.ToByteArray()).TrimEnd('=');
    }

    private Refusal Describe(StatusCode status, string message) => status switch
    {
        StatusCode.ResourceExhausted => new(RefusalKind.TooLarge, "MESSAGE_TOO_LARGE",
            $"{message} At most {options.MaxReceiveMessageBytes} bytes are received and {options.MaxSendMessageBytes} sent in one message.")
        {
            Metadata = new Dictionary<string, string>
            {
                ["max_receive_bytes"] = options.MaxReceiveMessageBytes.ToString(CultureInfo.InvariantCulture),
                ["max_send_bytes"] = options.MaxSendMessageBytes.ToString(CultureInfo.InvariantCulture),
            },
        },
        StatusCode.Unimplemented => new(RefusalKind.NotFound, "UNIMPLEMENTED", message),
        StatusCode.Cancelled => Refusal.Cancelled,
        StatusCode.DeadlineExceeded => Refusal.DeadlineExceeded,
        StatusCode.Unknown => new(RefusalKind.InvalidArgument, "INVALID_MESSAGE", "the bytes of the request are no message of this method, or a text in it is not UTF-8"),
        StatusCode.NotFound => new(RefusalKind.NotFound, "NOT_FOUND", message),
        _ => new(RefusalKind.Internal, "PROTOCOL", message),
    };
}
