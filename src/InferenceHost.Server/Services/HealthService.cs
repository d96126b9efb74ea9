using System.Threading.Channels;
using Grpc.Core;
using Grpc.Health.V1;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace InferenceHost.Server.Services;

/// <summary>
/// <c>grpc.health.v1</c>: the server as a whole (empty name) and its services by name. Generation and adapters follow the engine; models and operations
/// answer without it. Watch ends with the server, so that it does not hold a shutdown up.
/// </summary>
internal sealed class HealthService : Health.HealthBase
{
    private static readonly string[] s_engineServices = ["", "inferencehost.v1.Inference", "inferencehost.v1.Adapters"];
    private static readonly string[] s_otherServices = ["inferencehost.v1.Models", "inferencehost.v1.Operations"];
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ServingStatus> _statuses = [];
    private readonly List<(string Service, Channel<ServingStatus> Changes)> _watchers = [];

    public HealthService()
    {
        foreach (var service in s_engineServices)
            _statuses[service] = ServingStatus.NotServing;
        foreach (var service in s_otherServices)
            _statuses[service] = ServingStatus.Serving;
    }

    /// <summary>Whether generation is served.</summary>
    public void SetEngine(bool serving) => Set(s_engineServices, serving);

    /// <summary>The server ends: nothing is served, watchers are let go.</summary>
    public void Shutdown()
    {
        Set(s_engineServices, serving: false);
        Set(s_otherServices, serving: false);
        lock (_gate)
        {
            foreach (var (_, changes) in _watchers)
                changes.Writer.TryComplete();
        }
    }

    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        lock (_gate)
        {
            return _statuses.TryGetValue(request.Service, out var status)
                ? Task.FromResult(new HealthCheckResponse { Status = status })
                : throw new RpcException(new Status(StatusCode.NotFound, $"no service '{request.Service}'"));
        }
    }

    /// <inheritdoc/>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        // A watcher that reads slowly gets the newest status only.
        var changes = Channel.CreateBounded<ServingStatus>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var watcher = (request.Service, changes);
        lock (_gate)
        {
            changes.Writer.TryWrite(_statuses.GetValueOrDefault(request.Service, ServingStatus.ServiceUnknown));
            _watchers.Add(watcher);
        }
        try
        {
            await foreach (var status in changes.Reader.ReadAllAsync(context.CancellationToken))
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status });
        }
        catch (OperationCanceledException)
        {
            // The watcher is gone.
        }
        finally
        {
            lock (_gate)
                _watchers.Remove(watcher);
        }
    }

    private void Set(string[] services, bool serving)
    {
        var status = serving ? ServingStatus.Serving : ServingStatus.NotServing;
        lock (_gate)
        {
            foreach (var service in services)
            {
                if (_statuses[service] == status)
                    continue;
                _statuses[service] = status;
                foreach (var (watched, changes) in _watchers)
                {
                    if (watched == service)
                        changes.Writer.TryWrite(status);
                }
            }
        }
    }
}
