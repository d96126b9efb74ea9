using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using InferenceHost.Cli.Bench.Measuring;
using InferenceHost.Cli.Bench.Workload;
using InferenceHost.Protocol.V1;

namespace InferenceHost.Cli.Bench.Targets;

/// <summary>Our own server: <c>Inference/Generate</c>, all streams multiplexed over HTTP/2.</summary>
internal sealed class GrpcTarget : IBenchTarget
{
    private static readonly Method<GenerateRequest, GenerateMessage> Generate = new(
        MethodType.ServerStreaming, "inferencehost.v1.Inference", "Generate",
        new Marshaller<GenerateRequest>(Serialize, _ => throw new NotSupportedException()),
        new Marshaller<GenerateMessage>((_, _) => throw new NotSupportedException(), Deserialize));

    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;

    public GrpcTarget(TargetSpec spec)
    {
        Spec = spec;
        _channel = GrpcChannel.ForAddress(spec.Endpoint, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = true },
            DisposeHttpClient = true,
            MaxRetryAttempts = 0,
        });
        _invoker = _channel.CreateCallInvoker();
    }

    /// <inheritdoc/>
    public TargetSpec Spec { get; }

    /// <inheritdoc/>
    public async Task<TargetInfo> ConnectAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken)
    {
        try
        {
            var models = await OptionalAsync(async () => await new Models.ModelsClient(_channel).ListAsync(
                new ListModelsRequest(), cancellationToken: cancellationToken));
            var loaded = models?.Models.FirstOrDefault(model => model.Loaded);
            if (models is not null && loaded is null) throw BenchException.Target(Spec.Name, "no model is loaded");
            var serving = await OptionalAsync(async () => (await new Models.ModelsClient(_channel).DescribeAsync(
                new DescribeModelRequest(), cancellationToken: cancellationToken)).Serving);
            var version = await OptionalAsync(async () => (await new Operations.OperationsClient(_channel).GetStatsAsync(
                new GetStatsRequest(), cancellationToken: cancellationToken)).Version);
            await CheckAdaptersAsync(adapters, cancellationToken);
            var details = serving is null ? null
                : $"{serving.Device}, context {serving.ContextTokens}, parallel {serving.Parallel}, adapters {serving.AdapterMode} ({serving.AdapterSlots} slots)";
            return new TargetInfo(Spec.Name, "gRPC inferencehost.v1", Spec.Endpoint.ToString(), version, loaded?.Name, details);
        }
        catch (RpcException e)
        {
            throw BenchException.Target(Spec.Name, $"{Spec.Endpoint} answers {e.StatusCode}: {e.Status.Detail}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<int[]?> TokenizeAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            var request = new TokenizeRequest { Text = text, AddSpecial = false };
            return [.. (await new Inference.InferenceClient(_channel).TokenizeAsync(request, cancellationToken: cancellationToken)).TokenIds];
        }
        catch (RpcException e)
        {
            throw BenchException.Target(Spec.Name, $"Tokenize answers {e.StatusCode}: {e.Status.Detail}", e);
        }
    }

    /// <inheritdoc/>
    public PreparedRequest Prepare(BenchRequest request)
    {
        var message = new GenerateRequest { MaxTokens = request.MaxTokens, Temperature = request.Temperature, IgnoreEos = request.IgnoreEos, Seed = request.Seed };
        if (request.Prompt.TokenIds is { } ids) message.PromptTokenIds.AddRange(ids);
        else message.Prompt = request.Prompt.Text;
        if (Spec.UseAdapters && request.Adapter is { } adapter) message.Adapter = adapter;
        return new Prepared(message);
    }

    /// <inheritdoc/>
    public async Task StreamAsync(PreparedRequest request, RequestTrace trace, CancellationToken cancellationToken)
    {
        try
        {
            using var call = _invoker.AsyncServerStreamingCall(Generate, null, new CallOptions(cancellationToken: cancellationToken), ((Prepared)request).Message);
            var stream = call.ResponseStream;
            while (await stream.MoveNext(cancellationToken))
            {
                var message = stream.Current;
                trace.OnTokens(message.Tokens);
                if (message.Finished || message.CompletionTokens is not null)
                    trace.Complete(message.CompletionTokens, message.PromptTokens, message.CachedTokens);
            }
            trace.FailUnlessComplete("the stream ended without a finish reason");
        }
        catch (RpcException e)
        {
            // A call that we abort may end in any status, depending on what its connection was doing.
            trace.Fail(cancellationToken.IsCancellationRequested ? RequestTrace.CancelledMessage : $"{e.StatusCode}: {e.Status.Detail}");
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            trace.Fail(cancellationToken.IsCancellationRequested ? RequestTrace.CancelledMessage : e.Message);
        }
        catch (OperationCanceledException)
        {
            trace.Fail(RequestTrace.CancelledMessage);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task CheckAdaptersAsync(IReadOnlyList<string> adapters, CancellationToken cancellationToken)
    {
        if (!Spec.UseAdapters || adapters.Count == 0) return;
        var known = await OptionalAsync(async () => (await new Adapters.AdaptersClient(_channel).ListAsync(
            new ListAdaptersRequest(), cancellationToken: cancellationToken)).Adapters.Select(adapter => adapter.Name).ToHashSet());
        if (known is null) return;
        foreach (var adapter in adapters)
        {
            if (adapter != BenchRequest.BaseAdapter && !known.Contains(adapter))
                throw BenchException.Target(Spec.Name, $"has no adapter '{adapter}' (it has: {string.Join(", ", known.Order(StringComparer.Ordinal))})");
        }
    }

    // Older servers lack some of the descriptive calls; a report without them is still a report.
    private static async Task<T?> OptionalAsync<T>(Func<Task<T>> call) where T : class?
    {
        try
        {
            return await call();
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unimplemented or StatusCode.NotFound)
        {
            return null;
        }
    }

    private static void Serialize(GenerateRequest message, SerializationContext context)
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private static GenerateMessage Deserialize(DeserializationContext context)
    {
        var payload = context.PayloadAsReadOnlySequence();
        return GenerateMessage.Parse(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray());
    }

    private sealed record Prepared(GenerateRequest Message) : PreparedRequest;
}
