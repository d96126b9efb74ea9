using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Client;

/// <summary>One channel to a server and the clients of its services.</summary>
internal sealed class ServerConnection : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly TimeSpan? _timeout;

    public ServerConnection(EndpointAddress endpoint, TimeSpan? timeout)
    {
        Endpoint = endpoint;
        _timeout = timeout;
        var handler = new SocketsHttpHandler
        {
            // Closed networks: the server is reached directly, whatever proxy the environment names for the outside.
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (endpoint.UnixPath is { } path)
            handler.ConnectCallback = (_, cancellationToken) => ConnectAsync(path, cancellationToken);
        _channel = GrpcChannel.ForAddress(endpoint.Uri, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = 64 * 1024 * 1024,
            MaxSendMessageSize = 64 * 1024 * 1024,
        });
        Inference = new Inference.InferenceClient(_channel);
        Models = new Models.ModelsClient(_channel);
        Adapters = new Adapters.AdaptersClient(_channel);
        Operations = new Operations.OperationsClient(_channel);
        Health = new Health.HealthClient(_channel);
    }

    public EndpointAddress Endpoint { get; }

    public Inference.InferenceClient Inference { get; }

    public Models.ModelsClient Models { get; }

    public Adapters.AdaptersClient Adapters { get; }

    public Operations.OperationsClient Operations { get; }

    public Health.HealthClient Health { get; }

    /// <summary>Deadline and cancellation of one call.</summary>
    public CallOptions Call(CancellationToken cancellationToken) =>
        new(deadline: _timeout is { } limit ? DateTime.UtcNow + limit : null, cancellationToken: cancellationToken);

    public void Dispose() => _channel.Dispose();

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
