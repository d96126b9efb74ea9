using Grpc.Core;
using Grpc.Core.Interceptors;
using InferenceHost.Server.Errors;
using Microsoft.Extensions.Logging;

namespace InferenceHost.Server.Services;

/// <summary>Around every call: admits it while the server does not drain, and turns whatever it throws into a status with details.</summary>
internal sealed class CallInterceptor(CallGate gate, ILogger<CallInterceptor> log) : Interceptor
{
    // Stays reachable while the server drains, as do health and reflection.
    private const string OperationsPrefix = "/inferencehost.v1.Operations/";
    private const string OurPrefix = "/inferencehost.v1.";

    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        using var lease = Enter(context);
        try
        {
            return await continuation(request, context);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw Map(error, context);
        }
    }

    /// <inheritdoc/>
    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var lease = Enter(context);
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw Map(error, context);
        }
    }

    /// <inheritdoc/>
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var lease = Enter(context);
        try
        {
            return await continuation(requestStream, context);
        }
        catch (Exception error) when (error is not RpcException)
        {
            throw Map(error, context);
        }
    }

    private Lease Enter(ServerCallContext context)
    {
        if (!context.Method.StartsWith(OurPrefix, StringComparison.Ordinal) || context.Method.StartsWith(OperationsPrefix, StringComparison.Ordinal))
            return default;
        try
        {
            gate.Enter();
            return new Lease(gate);
        }
        catch (RefusalException refused)
        {
            throw StatusMapper.ToException(refused.Refusal);
        }
    }

    private RpcException Map(Exception error, ServerCallContext context)
    {
        if (error is RefusalException refused)
            return StatusMapper.ToException(refused.Refusal);
        if (context.CancellationToken.IsCancellationRequested)
            return StatusMapper.ToException(context.Deadline <= DateTime.UtcNow ? Refusal.DeadlineExceeded : Refusal.Cancelled);
        var id = Guid.NewGuid().ToString("N")[..12];
        ServicesLog.CallFailed(log, error, context.Method, id);
        return StatusMapper.ToException(
            new Refusal(RefusalKind.Internal, "INTERNAL", $"an error inside the server; its log has the details under {id}")
            {
                Metadata = new Dictionary<string, string> { ["log_id"] = id },
            });
    }

    private readonly struct Lease(CallGate? gate) : IDisposable
    {
        public void Dispose() => gate?.Exit();
    }
}
