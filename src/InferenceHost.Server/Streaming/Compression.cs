using Grpc.Core;

namespace InferenceHost.Server.Streaming;

/// <summary>
/// gzip on the way out, where the client asks for it: by sending its own message compressed, or with the metadata key gRPC libraries use for it. Merely
/// accepting gzip, as every client does, is no wish: a few bytes per token are not worth the time.
/// </summary>
internal static class Compression
{
    private const string RequestKey = "grpc-internal-encoding-request";
    private const string Gzip = "gzip";

    /// <summary>The algorithm a call wants for its responses, or null.</summary>
    public static string? RequestedBy(ServerCallContext context)
    {
        var headers = context.GetHttpContext().Request.Headers;
        return headers["grpc-encoding"] == Gzip || headers[RequestKey] == Gzip ? Gzip : null;
    }

    /// <summary>Sends the headers that announce it; together with the first message, not earlier.</summary>
    public static Task StartAsync(ServerCallContext context, string algorithm) =>
        context.WriteResponseHeadersAsync(new Metadata { { RequestKey, algorithm } });
}
