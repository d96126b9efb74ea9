using System.Net;
using System.Net.Http.Headers;
using System.Text;
using InferenceHost.Cli.Bench.Measuring;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>One POST whose answer is a stream of server-sent events; shared by the HTTP targets.</summary>
internal sealed class SseExchange : IDisposable
{
    private const int ErrorBodyBytes = 2048;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>The client, without proxy, cookies, redirects or a connection limit: one connection per stream.</summary>
    public HttpClient Http { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        MaxConnectionsPerServer = int.MaxValue,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Reads events until <paramref name="onEvent"/> says that the stream is over or it ends.</summary>
    /// <param name="address">Where to post.</param>
    /// <param name="body">JSON, UTF-8.</param>
    /// <param name="trace">Takes tokens and failures.</param>
    /// <param name="onEvent">Called with the data of each event; true = that was the last one.</param>
    /// <param name="cancellationToken">Ends the exchange and its connection.</param>
    public async Task RunAsync(Uri address, ReadOnlyMemory<byte> body, RequestTrace trace, SseEventHandler onEvent, CancellationToken cancellationToken)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(body);
            content.Headers.ContentType = Json;
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
            // A kept connection would hold one of cpp-httplib's few threads while idle, and may be closed by it just as the next request is written.
            request.Headers.ConnectionClose = true;
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                trace.Fail($"HTTP {(int)response.StatusCode}: {await ReadErrorAsync(stream, cancellationToken)}");
                return;
            }
            await PumpAsync(stream, trace, onEvent, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            trace.Fail(RequestTrace.CancelledMessage);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException or System.Text.Json.JsonException)
        {
            trace.Fail(cancellationToken.IsCancellationRequested ? RequestTrace.CancelledMessage : e.Message);
        }
    }

    private static async Task PumpAsync(Stream stream, RequestTrace trace, SseEventHandler onEvent, CancellationToken cancellationToken)
    {
        var parser = new SseParser();
        while (true)
        {
            var read = await stream.ReadAsync(parser.GetFreeSpace(), cancellationToken);
            if (read == 0)
            {
                trace.Fail("the stream ended before its last event");
                return;
            }
            parser.Advance(read);
            var ended = false;
            while (parser.TryReadEvent(out var data)) ended |= onEvent(data, trace);
            if (!ended) continue;
            await DrainAsync(stream, parser, cancellationToken);
            return;
        }
    }

    // The server closes the connection behind the last event; waiting for that keeps its work for this request out of the next one.
    private static async Task DrainAsync(Stream stream, SseParser parser, CancellationToken cancellationToken)
    {
        while (await stream.ReadAsync(parser.GetFreeSpace(), cancellationToken) > 0)
        {
        }
    }

    private static async Task<string> ReadErrorAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[ErrorBodyBytes];
        var length = await stream.ReadAtLeastAsync(buffer, ErrorBodyBytes, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, length).ReplaceLineEndings(" ").Trim();
    }

    /// <inheritdoc/>
    public void Dispose() => Http.Dispose();
}
